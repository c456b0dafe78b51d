"""Whether the tables of each library are those of the release that the registry says: the physical drift report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError

from saas.core.db.owner import OWNER, owner_connection
from saas.core.schemas import Facts, UnknownObject, differences, read_facts, shapes
from shared_apps.fleet.models import LibrarySchema, Release, SchemaState
from shared_apps.fleet.services.applying import error_text
from shared_apps.fleet.services.collecting import rolled_back, scratch_schema
from shared_apps.fleet.services.rows import Rows, read_rows


@dataclass(frozen=True, slots=True)
class Drift:
    """One schema that is not as its release is; `differences` are lines for people."""

    schema: str
    release: str
    differences: tuple[str, ...]


def verify_fleet(only: Sequence[str] | None = None, *, progress: Callable[[int, int], None]) -> list[Drift]:
    """Compare every schema with its release; `progress` gets how many of how many are done.

    Every fact of every schema is read, which takes some hundredths of a second each: a shape (saas.core.schemas) would
    miss a default, a rule, or an index of the right name. Where the release has no script, the shape is all there is
    to compare. Content types and permissions are compared with their ids, but for those of models that are gone.
    """
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        rows = (
            LibrarySchema.objects.using(OWNER)
            .exclude(state=SchemaState.UNFINISHED)
            .order_by("release", "name")
        )
        libraries = list(rows if only is None else rows.filter(pk__in=only))
        found = shapes(cursor, [library.name for library in libraries])
        releases = Release.objects.using(OWNER).in_bulk({library.release for library in libraries})
        drifts, expected = [], None
        for number, library in enumerate(libraries):
            release = releases.get(library.release)
            if expected is None or expected.key != library.release:
                expected = _Expected.of(wrapper, library.release, release)
            lines = expected.differences_in(cursor, library.name, found.get(library.name))
            if lines:
                drifts.append(Drift(library.name, library.release, tuple(lines)))
            progress(number + 1, len(libraries))
    return sorted(drifts, key=lambda drift: drift.schema)


@dataclass(frozen=True, slots=True)
class _Expected:
    """What a schema of a release holds; `facts` and `rows` are None where that cannot be known, `fault` says why."""

    key: str
    shape: str
    facts: Facts | None
    rows: Rows | None
    fault: str = ""

    @classmethod
    def of(cls, wrapper: Any, key: str, release: Release | None) -> _Expected:
        if release is None:
            return cls(
                key, "", None, None, "nothing is known of its release, so there is nothing to compare it with"
            )
        if not release.script:
            return cls(key, release.shape, None, None)
        with rolled_back(), wrapper.cursor() as cursor:
            scratch = scratch_schema(wrapper, release)
            return cls(key, release.shape, read_facts(cursor, scratch), read_rows(cursor, scratch))

    def differences_in(self, cursor: Any, schema: str, shape: str | None) -> list[str]:
        """Lines about one schema, none where it is as it should be."""
        if self.fault:
            return [self.fault]
        if shape is None:
            return ["there is no such schema"]
        lines: list[str] = []
        try:
            if self.facts is not None:
                lines += differences(self.facts, read_facts(cursor, schema))
            elif shape != self.shape:
                lines.append("its tables are not its release's")
            if self.rows is not None:
                lines += _row_differences(self.rows, read_rows(cursor, schema))
        except (UnknownObject, DatabaseError) as error:
            lines.append(error_text(error))
        return lines


def _row_differences(expected: Rows, actual: Rows) -> list[str]:
    lines = [f"- migration {app}.{name}" for app, name in sorted(expected.migrations - actual.migrations)]
    types = {(app, model): number for number, app, model in actual.content_types}
    for number, app, model in sorted(expected.content_types):
        lines += _number_difference("content type", f"{app}.{model}", number, types.get((app, model)))
    permissions = {row[1:4]: row[0] for row in actual.permissions}
    for number, app, model_name, codename, _name in sorted(expected.permissions):
        name = (app, model_name, codename)
        lines += _number_difference("permission", ".".join(name), number, permissions.get(name))
    return lines


def _number_difference(kind: str, name: str, expected: int, actual: int | None) -> list[str]:
    if actual is None:
        return [f"- {kind} {name}"]
    return [] if actual == expected else [f"  {kind} {name} has the id {actual}, not {expected}"]
