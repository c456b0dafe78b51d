"""Who calls and what they may do, in one statement per request (settings.CALLER_LOADERS, PRINCIPAL_LOADERS).

The statement reads everything that decides, the roles that are held included, as one short text. What such a text means
is worked out once per process and then remembered: the text is its own version stamp (docs/adr/0025). So nothing is
remembered of anybody, and what is given, taken away or changed, by whomever and however, counts from the next request.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BigIntegerField,
    Case,
    F,
    Func,
    JSONField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, NullIf

from saas.core.api.authentication import Caller
from saas.core.db.binds import Bind
from saas.core.db.questions import Question
from saas.core.principals import Principal
from shared_apps.accounts import selectors as accounts
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.access.rules import (
    GUEST,
    NEED_FACTOR,
    STANDARD_ROLES,
    Grant,
    Rights,
    combine,
    effective_permissions,
)
from tenant_apps.preferences import selectors as preferences

GUESTS_MAY_SEARCH, ADMINS_NEED_MFA = "guests_may_search", "admins_need_mfa"
# Texts whose meaning a process remembers: one for each caller of late, a kilobyte each.
REMEMBERED: Final = 2048
_COLUMNS: Final = len(accounts.USER_COLUMNS)


class Meaning(NamedTuple):
    """What roles that are held come to. `manages`: something of it asks for a second factor where the library does."""

    roles: tuple[str, ...]
    rights: Rights
    manages: bool
    is_guest: bool


def load_caller(user_id: int, session: str | None) -> Caller | None:
    """A token's user, the state of the session and the user's rights, in one query; None for an unknown user.

    `session` is the token's `sid`; a token without one lives until it expires.
    """
    row = _CALLER.first(user=user_id, session=session)
    if row is None:
        return None
    user = accounts.user_from(row[:_COLUMNS])
    is_open, *rest = row[_COLUMNS:]
    return Caller(user, _principal(user.pk, user.email, user.name, *rest), session is None or is_open)


def load_principal(user_id: int | None) -> Principal:
    """Rights of a user in the current library; of None, or of somebody gone or inactive, those of a guest.

    One query, two for somebody gone.
    """
    row = None if user_id is None else _PERSON.first(user=user_id)
    return _guest() if row is None else _principal(*row)


@lru_cache(maxsize=REMEMBERED)
def meaning_of(held: str | None) -> Meaning:
    """What the text of `held_by`, or of the Guest role, comes to under this release."""
    found = orjson.loads(held or "[]")
    if isinstance(found, dict):
        return _meaning_of_guest(found)
    grants = [_grant(row) for row in found]
    everywhere, by_branch, by_collection = combine(grants)
    rights = Rights(everywhere, MappingProxyType(by_branch), MappingProxyType(by_collection))
    scoped = (*rights.by_branch.values(), *rights.by_collection.values())
    return Meaning(
        roles=tuple(dict.fromkeys(grant["role"] for grant in grants)),
        rights=rights,
        manages=any(name in names for name in NEED_FACTOR for names in (rights.everywhere, *scoped)),
        is_guest=False,
    )


def held_by(**holder: Any) -> Cast:
    """The roles of `user=`, or of `user=None, service_account=`, an id or an OuterRef, as one text (`meaning_of`)."""
    rows = RoleAssignment.objects.filter(**holder).order_by("id").values_list(_GRANT)
    return Cast(Func(ArraySubquery(rows), function="TO_JSON", output_field=JSONField()), TextField())


def grants_in(held: str) -> list[Grant]:
    """The assignments in a text of `held_by`, by id."""
    return [_grant(row) for row in orjson.loads(held or "[]")]


def _grant(row: list[Any]) -> Grant:
    pk, role, edited, permissions, branch, collection = row
    return Grant(
        id=pk, role=role, edited=edited, permissions=permissions or [], branch=branch, collection=collection
    )


# What a standard role stores counts only where the library has edited it (rules.effective_permissions).
_AS_RELEASED = Q(role__code__in=[role.code for role in STANDARD_ROLES], role__edited=False)
_GRANT = Func(
    F("id"),
    F("role__code"),
    F("role__edited"),
    Case(When(_AS_RELEASED, then=None), default=F("role__permissions")),
    F("branch_id"),
    F("collection_id"),
    function="JSON_BUILD_ARRAY",
    output_field=JSONField(),
)


def _guests() -> QuerySet[Any, Any]:
    """What anybody may do here: the Guest role and whether the library lets guests in, as one text."""
    text = Func(
        Value("edited"),
        F("edited"),
        Value("permissions"),
        F("permissions"),
        Value("open"),
        preferences.stored(GUESTS_MAY_SEARCH),
        function="JSON_BUILD_OBJECT",
        output_field=JSONField(),
    )
    return Role.objects.filter(code=GUEST).values_list(Cast(text, TextField()))


def _meaning_of_guest(found: dict[str, Any]) -> Meaning:
    if not preferences.or_default(GUESTS_MAY_SEARCH, found["open"]):
        return Meaning((), combine([]), manages=False, is_guest=True)
    allowed = effective_permissions(GUEST, found["permissions"], edited=found["edited"])
    return Meaning((GUEST,), Rights(allowed, {}, {}), manages=False, is_guest=True)


def _facts() -> dict[str, Any]:
    """What `_principal` takes, in its order, as annotations of a user; who holds no role is a guest with a name."""
    grants = NullIf(held_by(user=OuterRef("pk")), Value("[]", TextField()))
    return {
        "held": Coalesce(grants, Subquery(_guests()[:1]), output_field=TextField()),
        "asked": Cast(preferences.stored(ADMINS_NEED_MFA), TextField()),
    }


def _principal(
    user_id: int, email: str, name: str, has_factor: bool, held: str | None, asked: str | None
) -> Principal:
    meaning = meaning_of(held)
    principal = Principal(
        user_id=user_id,
        email=email,
        name=name,
        roles=() if meaning.is_guest else meaning.roles,
        permissions=meaning.rights.everywhere,
        branch_permissions=meaning.rights.by_branch,
        collection_permissions=meaning.rights.by_collection,
        grants="" if meaning.is_guest or held is None else held,
    )
    if not meaning.manages:
        return principal
    needed = preferences.or_default(ADMINS_NEED_MFA, None if asked is None else orjson.loads(asked))
    return principal.with_factor(needed=bool(needed), held=has_factor)


def _guest() -> Principal:
    row = _GUEST.first()
    meaning = meaning_of(row[0] if row else None)
    return Principal(roles=meaning.roles, permissions=meaning.rights.everywhere)


def _users() -> QuerySet[Any]:
    user: Any = Bind("user", BigIntegerField())
    return accounts.users().filter(pk=user).annotate(**accounts.caller_columns(), **_facts())


_CALLER = Question(
    lambda: _users().values_list(*accounts.USER_COLUMNS, "session_open", "has_factor", "held", "asked")
)
_PERSON = Question(
    lambda: _users().filter(is_active=True).values_list("pk", "email", "name", "has_factor", "held", "asked")
)
_GUEST = Question(_guests)
