"""Who platform staff are and what they may do; where the libraries' schemas stand. Public site only."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, Exists, OuterRef, Q, QuerySet

from saas.core.api.authentication import Caller
from saas.core.db.binds import Bind
from saas.core.db.questions import Question
from saas.core.principals import Principal
from saas.core.security_events import Contact
from saas.core.tenancy import in_public
from shared_apps.accounts import selectors as accounts
from shared_apps.fleet import selectors as fleet
from shared_apps.fleet.services import current_key
from shared_apps.platform import rules
from shared_apps.platform.models import DeletionRequest, StaffRole, Visit
from shared_apps.platform.rules import MANAGE, VIEW
from shared_apps.tenants.selectors import all_libraries

__all__ = [
    "MANAGE",
    "VIEW",
    "LibraryMigrations",
    "deletion_requests",
    "libraries_with_a_schema",
    "load_caller",
    "load_principal",
    "migrations_of",
    "owner_contacts",
    "owners",
    "roles_of",
    "staff",
    "visits",
]


def load_caller(user_id: int, session: str | None) -> Caller | None:
    """A token's user, the state of the session and the user's rights, in one query; None for an unknown user.

    `session` is the token's `sid`; a token without one lives until it expires.
    """
    row = _CALLER.first(user=user_id, session=session)
    if row is None:
        return None
    user: Any = accounts.user_from(row[:-3])
    is_open, user._has_factor, user._roles = row[-3:]
    return Caller(user, _principal(user), session is None or is_open)


def load_principal(user_id: int | None) -> Principal:
    """Rights of a user on the public site (None: an anonymous caller), in one query.

    What the roles of active staff allow, once they have a second factor; everybody else may do nothing here.
    """
    if user_id is None:
        return Principal()
    with in_public():
        user = _with_roles(accounts.users().filter(pk=user_id, is_active=True)).first()
    return Principal() if user is None else _principal(user)


def staff() -> QuerySet[Any]:
    """Everybody of the platform's staff, active or not, with their roles along (`roles_of`); one query."""
    return _with_roles(accounts.users().filter(is_staff=True))


def owners() -> QuerySet[Any]:
    """The active staff who are owners, by role or by `createsuperuser`."""
    held = StaffRole.objects.filter(user=OuterRef("pk"), role=rules.OWNER)
    rows = accounts.users().filter(is_staff=True, is_active=True)
    return rows.filter(Q(is_superuser=True) | Exists(held))


def roles_of(user: Any) -> tuple[str, ...]:
    """A user's roles; no query where they were read along (`staff`), else one."""
    stored = getattr(user, "_roles", None)
    if stored is None:
        stored = StaffRole.objects.filter(user=user).values_list("role", flat=True)
    return rules.effective_roles(is_staff=user.is_staff, is_superuser=user.is_superuser, stored=stored)


def visits() -> QuerySet[Visit]:
    """Every visit of a library, past ones too, with its visitor and library."""
    return Visit.objects.select_related("library", "staff")


def deletion_requests() -> QuerySet[DeletionRequest]:
    """Every request to delete a library, with who asked and who decided."""
    return DeletionRequest.objects.select_related("library", "requested_by", "decided_by")


def _with_roles(users: QuerySet[Any]) -> QuerySet[Any]:
    has_factor = Exists(accounts.factors_of(OuterRef("pk")))
    rows: QuerySet[Any] = users.annotate(_roles=_held(), _has_factor=has_factor)
    return rows


def _held() -> ArraySubquery:
    return ArraySubquery(StaffRole.objects.filter(user=OuterRef("pk")).order_by("role").values_list("role"))


def _callers() -> QuerySet[Any, Any]:
    given: Any = Bind("user", BigIntegerField())
    rows = accounts.users().filter(pk=given).annotate(**accounts.caller_columns(), roles=_held())
    return rows.values_list(*accounts.USER_COLUMNS, "session_open", "has_factor", "roles")


_CALLER = Question(_callers)


def _principal(user: Any) -> Principal:
    roles = roles_of(user)
    principal = Principal(
        user_id=user.pk,
        email=user.email,
        name=user.name,
        roles=roles,
        permissions=rules.permissions_of(roles),
    )
    return principal.with_factor(needed=user.is_staff, held=user._has_factor)


def owner_contacts() -> list[Contact]:
    """The active owners, to be told what concerns the platform's security; one query."""
    rows = owners().order_by("pk").values_list("pk", "email", "language")
    return [Contact(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class LibraryMigrations:
    """One library's version, as `shared_apps.fleet.selectors.SchemaStanding` has it for its schema."""

    id: uuid.UUID
    subdomain: str
    version: str
    lag: int | None
    error: str
    attempts: int
    failed_at: datetime | None
    migrated_at: datetime


def libraries_with_a_schema(*, behind: bool) -> QuerySet[Any]:
    """The libraries that have tables, whatever their status; with `behind`, those that are not at the code's release.

    The query set runs where it is evaluated, in the public schema.
    """
    schemas = fleet.all_schemas().exclude(release=current_key()) if behind else fleet.all_schemas()
    return all_libraries().filter(schema_name__in=schemas.values("name"))


def migrations_of(libraries: Sequence[Any]) -> list[LibraryMigrations]:
    """Versions of these libraries, in their order; two queries however many there are."""
    schemas = fleet.all_schemas().filter(pk__in=[library.schema_name for library in libraries])
    found = {standing.schema: standing for standing in fleet.standings(schemas)}
    pairs = [(library, found[library.schema_name]) for library in libraries if library.schema_name in found]
    return [
        LibraryMigrations(
            id=library.pk,
            subdomain=library.subdomain,
            version=standing.version,
            lag=standing.lag,
            error=standing.error,
            attempts=standing.attempts,
            failed_at=standing.failed_at,
            migrated_at=standing.migrated_at,
        )
        for library, standing in pairs
    ]
