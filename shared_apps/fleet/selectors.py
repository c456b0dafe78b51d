"""Where each library-shaped schema stands. Reads the public registry alone, whichever schema is current."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from saas.core.tenancy import in_public
from shared_apps.fleet.models import Backfill, LibrarySchema, Release, SchemaState
from shared_apps.fleet.services.releases import current_key, library_migrations

_VERSION_DIGITS = 8


@dataclass(frozen=True, slots=True)
class SchemaStanding:
    """One schema's version, and how many migrations of this process's code it has yet to get.

    `lag` is None where nothing is known of its release; `error` is what its last migration died of, "" where it did
    not; times are in UTC.
    """

    schema: str
    is_spare: bool
    version: str
    lag: int | None
    error: str
    failed_at: datetime | None
    attempts: int
    migrated_at: datetime


@dataclass(frozen=True, slots=True)
class BackfillStanding:
    """How far a backfill is in one library: `last_id` is the last key that it has done, None before the first.

    `error` is what it stopped with, "" where it did not.
    """

    name: str
    schema: str
    batches: int
    last_id: int | None
    is_finished: bool
    error: str


def all_schemas() -> QuerySet[LibrarySchema]:
    """Every library's and spare's row, by name; filters and pages are the caller's, who is in the public schema."""
    return LibrarySchema.objects.exclude(state=SchemaState.UNFINISHED).order_by("name")


def standings(schemas: Iterable[LibrarySchema]) -> list[SchemaStanding]:
    """Versions and lags of these rows; two queries however many there are."""
    with in_public():
        rows = list(schemas)
        keys = {row.release for row in rows}
        known = dict(Release.objects.filter(pk__in=keys).values_list("key", "migrations"))
    known.setdefault(current_key(), list(library_migrations()))
    lags = {key: len(set(library_migrations()).difference(names)) for key, names in known.items()}
    return [
        SchemaStanding(
            schema=row.name,
            is_spare=row.state == SchemaState.SPARE,
            version=version_of(row.release, known.get(row.release)),
            lag=lags.get(row.release),
            error=row.error,
            failed_at=row.failed_at,
            attempts=row.attempts,
            migrated_at=row.migrated_at,
        )
        for row in rows
    ]


def version_of(key: str, migrations: list[str] | None) -> str:
    """A release as people read it: how many migrations it has, and the beginning of its key ("58-3fa9c46e")."""
    short = key[:_VERSION_DIGITS]
    return short if migrations is None else f"{len(migrations)}-{short}"


def current_version() -> str:
    """The version of this process's code."""
    return version_of(current_key(), list(library_migrations()))


def unfinished_backfills() -> list[BackfillStanding]:
    """Backfills that are not at their end in some library, by name and schema."""
    return _backfills(finished_at=None)


def backfills_named(name: str) -> list[BackfillStanding]:
    """How far one backfill is in each library that it was asked for in, by schema."""
    return _backfills(name=name)


def _backfills(**wanted: Any) -> list[BackfillStanding]:
    with in_public():
        rows = list(Backfill.objects.filter(**wanted).order_by("name", "schema"))
    return [
        BackfillStanding(
            name=row.name,
            schema=row.schema,
            batches=row.batches,
            last_id=row.last_id,
            is_finished=row.finished_at is not None,
            error=row.error,
        )
        for row in rows
    ]
