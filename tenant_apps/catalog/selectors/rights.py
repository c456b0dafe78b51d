"""Which titles and copies a caller may see and write: scopes of permissions, and titles shared with a person.

Titles belong to a collection or to the library, never to a branch; a copy belongs to its home branch, and to the
collection of its title. What is written is asked for twice, as it stands and as it will stand, so that nobody moves a
row to where they may do more with it.
"""

from __future__ import annotations

from typing import Any

from django.db.models import BigIntegerField, QuerySet

from saas.core.errors import PermissionDenied
from saas.core.principals import Principal
from saas.core.reads import EVERYTHING, Bind, Scope, Scoped
from tenant_apps.access import selectors as access
from tenant_apps.catalog.models import Copy, Title, TitleShare

VIEW, MANAGE_TITLES, MANAGE_COPIES = "catalog.view", "catalog.manage", "copies.manage"


def visible_to(principal: Principal, titles: QuerySet[Title]) -> QuerySet[Title]:
    """Those of the titles whom the caller may see: all, for whom a role lets see or edit any, else the shared ones."""
    if principal.may_anywhere(VIEW) or principal.may_anywhere(MANAGE_TITLES):
        return titles
    return titles.filter(pk__in=access.shared_with(TitleShare, principal))


_SHARED = Scope(
    "shared", lambda rows: rows.filter(pk__in=access.shared_rows(TitleShare, Bind("user", BigIntegerField())))
)
_NOTHING = Scope("nothing", lambda rows: rows.none())


def title_scope(principal: Principal) -> Scoped:
    """The titles of `visible_to`, for compiled reads."""
    if principal.may_anywhere(VIEW) or principal.may_anywhere(MANAGE_TITLES):
        return EVERYTHING.with_values()
    if not principal.may_have_shares:
        return _NOTHING.with_values()
    return _SHARED.with_values(user=principal.user_id)


def require_title_change(principal: Principal, title: Title) -> None:
    """Raise PermissionDenied unless the caller may change this title, by a role or because it is shared with them."""
    if not (
        principal.may(MANAGE_TITLES, collection_id=title.collection_id)
        or access.may_edit_shared(TitleShare, principal, title.pk)
    ):
        raise PermissionDenied


def require_title(principal: Principal, collection_id: int | None) -> None:
    """Raise PermissionDenied unless the caller may write titles of this collection (None: those in none)."""
    if not principal.may(MANAGE_TITLES, collection_id=collection_id):
        raise PermissionDenied


def require_move(principal: Principal, title: Title, collection_id: int | None) -> None:
    """Raise PermissionDenied unless the caller may move a title, with its copies, to a collection (None: to none).

    Needs `catalog.manage` in both. Who may write copies of the one collection alone does not bring copies in: to write
    any of them where they go, one must be able to write all of them where they are.
    """
    require_title(principal, title.collection_id)
    require_title(principal, collection_id)
    gains_copies = principal.may(MANAGE_COPIES, collection_id=collection_id)
    if gains_copies and not principal.may(MANAGE_COPIES, collection_id=title.collection_id):
        raise PermissionDenied


def require_copy(principal: Principal, *, branch_id: int, collection_id: int | None) -> None:
    """Raise PermissionDenied unless the caller may write copies of this home branch and collection."""
    if not principal.may(MANAGE_COPIES, branch_id=branch_id, collection_id=collection_id):
        raise PermissionDenied


def require_copy_change(principal: Principal, copy: Copy, *, home_branch_id: int | None = None) -> None:
    """Raise PermissionDenied unless the caller may write this copy, also where its home branch is to be another one.

    The title comes with the copy (`all_copies`, or one more query).
    """
    collection_id = copy.title.collection_id
    for branch_id in {copy.home_branch_id, home_branch_id or copy.home_branch_id}:
        require_copy(principal, branch_id=branch_id, collection_id=collection_id)


def title_shares_managed_by(principal: Principal) -> QuerySet[TitleShare]:
    """Shares, each with its person and `permission`, of the titles that the caller may write by a role; one query."""
    shares = access.shares(TitleShare).select_related("content_object__collection")
    shares = shares.defer(
        *(f"content_object__{name}" for name in ("marc", "search", "title_search", "summary"))
    )
    collections = principal.collections_for(MANAGE_TITLES)
    return shares if collections is None else shares.filter(content_object__collection__in=collections)


def export_of_account(user_id: int) -> dict[str, Any]:
    """The member `shared_titles` of the export of an account: what was shared with it (setting ACCOUNT_EXPORTERS)."""
    found: Any = access.shares(TitleShare).filter(user=user_id).order_by("pk")
    rows = found.values_list("content_object_id", "content_object__title", "allows")
    return {"shared_titles": [{"id": str(pk), "title": title, "permission": to} for pk, title, to in rows]}
