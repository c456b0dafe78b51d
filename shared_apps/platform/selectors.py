"""Who platform staff are and what they may do; where the libraries' schemas stand. Public site only."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from saas.core.principals import Principal
from saas.core.tenancy import in_public
from shared_apps.fleet import selectors as fleet
from shared_apps.fleet.services import current_key
from shared_apps.tenants.selectors import all_libraries

VIEW, MANAGE = "platform.view", "platform.manage"


def load_principal(user_id: int | None) -> Principal:
    """Rights of a user on the public site (None: an anonymous caller), in one query.

    Active staff may look; superusers among them may also change. Everybody else may do nothing here.
    """
    if user_id is None:
        return Principal()
    with in_public():
        row = (
            get_user_model()
            .objects.filter(pk=user_id, is_active=True)
            .values("email", "name", "is_staff", "is_superuser")
            .first()
        )
    if row is None:
        return Principal()
    granted = [VIEW, MANAGE] if row["is_superuser"] else [VIEW]
    return Principal(
        user_id=user_id,
        email=row["email"],
        name=row["name"],
        roles=("staff",) if row["is_staff"] else (),
        permissions=frozenset(granted if row["is_staff"] else ()),
    )


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
