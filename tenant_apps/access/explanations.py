"""Why somebody may do something, or why not: the same rules that decide, told step by step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from saas.core.principals import Principal
from tenant_apps.access import selectors
from tenant_apps.access.models import RoleAssignment
from tenant_apps.access.rules import GUEST, held_at
from tenant_apps.keys.selectors import NEVER_BY_KEY


@dataclass(frozen=True, slots=True)
class Question:
    """May they do this there? Ids of a branch or a collection, both None for the whole library."""

    permission: str
    branch_id: int | None = None
    collection_id: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A role somebody holds; `assignment` is None for Guest, which nobody is given. Codes; neither: the library."""

    assignment: int | None
    role: str
    branch: str | None = None
    collection: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not: a stable code, a sentence, and the role that comes near where there is one."""

    code: str
    detail: str | Promise
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """`because` names what gives the permission and is empty where it is not allowed; `missing` says why not."""

    because: tuple[Held, ...] = ()
    missing: tuple[Reason, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether they may."""
        return not self.missing


INACTIVE = Reason("account_inactive", _("The account is deactivated."))
NEVER = Reason("never_by_key", _("Machines never have this permission, whatever their roles say."))
NO_ROLE = Reason("no_role_has_it", _("None of the roles held has this permission."))
CLOSED = Reason(
    "guests_closed", _("No role is held, and the library shows nothing to those who are not its members.")
)
NOT_CARRIED = Reason("not_carried", _("This key or visit does not carry the permission."))
NOT_NOW = Reason(
    "mfa_required",
    _("The roles give the permission, but the account must have a second factor and has none yet."),
)


def explain_user(user_id: int, *, is_active: bool, question: Question) -> Explanation:
    """Why a user of this library may do something, or why not."""
    if not is_active:
        return Explanation(missing=(INACTIVE,))
    held = _held(user=user_id)
    found = _explain(held, question) if held else _explain_without_roles(question)
    principal = selectors.load_principal(user_id)
    if found.allowed and not _allows(principal, question):
        return Explanation(missing=(NOT_NOW,))
    return found


def explain_service_account(account_id: int, *, is_active: bool, question: Question) -> Explanation:
    """Why the roles of a service account let its keys do something, or why not; a key of its own may do more."""
    if not is_active:
        return Explanation(missing=(INACTIVE,))
    if question.permission in NEVER_BY_KEY:
        return Explanation(missing=(NEVER,))
    return _explain(_held(user=None, service_account=account_id), question)


def explain_caller(principal: Principal, question: Question) -> Explanation:
    """The same about a caller who has no account here: a key, or staff on a visit."""
    return Explanation() if _allows(principal, question) else Explanation(missing=(NOT_CARRIED,))


def _allows(principal: Principal, question: Question) -> bool:
    return principal.may(
        question.permission, branch_id=question.branch_id, collection_id=question.collection_id
    )


def _held(**holder: Any) -> list[RoleAssignment]:
    rows: QuerySet[RoleAssignment] = RoleAssignment.objects.filter(**holder)
    return list(rows.select_related("role", "branch", "collection").order_by("id"))


def _explain(rows: Iterable[RoleAssignment], question: Question) -> Explanation:
    because: list[Held] = []
    near: list[Reason] = []
    for row in rows:
        if question.permission not in row.role.allows:
            continue
        reason = _why_not(row, question)
        if reason is None:
            because.append(_told(row))
        else:
            near.append(reason)
    if because:
        return Explanation(because=tuple(because))
    return Explanation(missing=tuple(near) or (NO_ROLE,))


def _why_not(row: RoleAssignment, question: Question) -> Reason | None:
    """Why a role that has the permission does not give it here; None where it does."""
    if row.is_for_the_library:
        return None
    place = row.branch or row.collection
    values = {"role": row.role.name, "place": place.name if place is not None else ""}
    if not held_at(
        frozenset({question.permission}),
        branch=row.branch_id is not None,
        collection=row.collection_id is not None,
    ):
        text = _(
            "{role} has it, but it can only be held for the whole library, and the role is held for {place}."
        )
        return Reason("not_scopable", format_lazy(text, **values), _told(row))
    if (row.branch_id is not None and row.branch_id == question.branch_id) or (
        row.collection_id is not None and row.collection_id == question.collection_id
    ):
        return None
    text = _("{role} has it, but is held for {place} alone.")
    return Reason("held_elsewhere", format_lazy(text, **values), _told(row))


def _explain_without_roles(question: Question) -> Explanation:
    """Who signed in and holds no role is a guest with a name."""
    guest = selectors.load_principal(None)
    if not guest.roles:
        return Explanation(missing=(CLOSED,))
    if question.permission in guest.permissions:
        return Explanation(because=(Held(None, GUEST),))
    return Explanation(missing=(NO_ROLE,))


def _told(row: RoleAssignment) -> Held:
    return Held(
        assignment=row.pk,
        role=row.role.code,
        branch=row.branch.code if row.branch is not None else None,
        collection=row.collection.code if row.collection is not None else None,
    )
