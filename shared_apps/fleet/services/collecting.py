"""The SQL of a release's step, collected once for all libraries that stand at the same place.

Django's executor runs the migrations in a scratch schema while its schema editor writes down what it sends. A second
scratch proves that the statements, in one message, make what the release is. Both live in one transaction of the
owner's that is rolled back: killed anywhere, nothing is left.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.contenttypes.management import inject_rename_contenttypes_operations
from django.contrib.postgres import operations as postgres
from django.db import DatabaseError, migrations, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.utils import timezone
from psycopg import sql

from saas.core.db.owner import OWNER, SchemaTarget, owner_connection
from saas.core.db.switching import PUBLIC
from saas.core.schemas import UnknownObject, fingerprint, read_facts, replay
from shared_apps.fleet.models import Release
from shared_apps.fleet.services.applying import Step, error_text
from shared_apps.fleet.services.ordinary import Target
from shared_apps.fleet.services.releases import key_of, library_migrations, release_before, release_of
from shared_apps.fleet.services.rows import Rows, permission_script, read_rows, record_script

Plan = list[tuple[migrations.Migration, bool]]

# What is known to do all its work through the schema editor.
_COLLECTABLE = (
    migrations.CreateModel,
    migrations.DeleteModel,
    migrations.RenameModel,
    migrations.AlterModelTable,
    migrations.AlterModelTableComment,
    migrations.AlterModelOptions,
    migrations.AlterModelManagers,
    migrations.AlterUniqueTogether,
    migrations.AlterIndexTogether,
    migrations.AlterOrderWithRespectTo,
    migrations.AddField,
    migrations.AlterField,
    migrations.RemoveField,
    migrations.RenameField,
    migrations.AddIndex,
    migrations.RemoveIndex,
    migrations.RenameIndex,
    migrations.AddConstraint,
    migrations.AlterConstraint,
    migrations.RemoveConstraint,
    migrations.RunSQL,
    postgres.AddConstraintNotValid,
    postgres.ValidateConstraint,
)
# Callable defaults that may be the same for all libraries; any other (a secret, a random id) is drawn for each.
_SHAREABLE_DEFAULTS = (dict, list, set, tuple, str, int, bool, timezone.now, dt.date.today, datetime.now)
_BETWEEN_MIGRATIONS = "SET CONSTRAINTS ALL IMMEDIATE"


class NotCollectable(Exception):
    """These migrations cannot be one script for all: the ordinary path it is; the message says why."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a group has to do, and the release that it comes to."""

    step: Step
    release: Release
    migrations: tuple[str, ...]


def collect(old: Release, targets: Sequence[Target] | None, now: datetime) -> Collected | None:
    """What takes the schemas of `old` to `targets` (None: the newest of every app); None where nothing does.

    The release that they come to is stored where it is not yet. Raises NotCollectable.
    """
    if not old.script:
        raise NotCollectable("its release has no script")
    try:
        with owner_connection() as wrapper, rolled_back():
            found = _collect(wrapper, old, targets, now)
    except (DatabaseError, UnknownObject) as error:
        raise NotCollectable(f"collecting it failed: {error_text(error)}") from error
    if found is not None and found.release._state.adding:
        with owner_connection():
            Release.objects.using(OWNER).bulk_create([found.release], ignore_conflicts=True)
    return found


def continues(old: Release) -> bool:
    """Whether the current release, where it is not stored yet, is to be made from this one (releases.current_release).

    Then the ids of content types and permissions go on as they do in a schema that is made anew.
    """
    with owner_connection():
        before = release_before()
    return before is not None and before.key == old.key


def rows_of(release: Release) -> Rows:
    """What a schema made at this release has recorded. Raises NotCollectable where it has no script."""
    if not release.script:
        raise NotCollectable("its release has no script")
    with owner_connection() as wrapper, rolled_back(), wrapper.cursor() as cursor:
        return read_rows(cursor, scratch_schema(wrapper, release))


def describe(migration: migrations.Migration, backwards: bool) -> str:
    """`app.name`, with a minus before it where it is taken back."""
    return f"{'-' if backwards else ''}{migration.app_label}.{migration.name}"


def refusal(plan: Plan) -> str | None:
    """Why these migrations cannot be collected, or None."""
    for migration, backwards in plan:
        if not migration.atomic:
            return f"{describe(migration, backwards)} is not atomic"
        for operation in _flat(migration.operations):
            if (reason := _operation_refusal(operation)) is not None:
                return f"{describe(migration, backwards)}: {reason}"
    return None


def _flat(operations: Iterable[Operation]) -> Iterator[Operation]:
    for operation in operations:
        if type(operation) is migrations.SeparateDatabaseAndState:
            yield from _flat(operation.database_operations)
        else:
            yield operation


def _operation_refusal(operation: Operation) -> str | None:
    kind = type(operation)
    if kind not in _COLLECTABLE:
        return f"{kind.__name__} works on rows, or is not known"
    field = getattr(operation, "field", None)
    default = field.default if isinstance(field, models.Field) else None
    if callable(default) and default is not models.NOT_PROVIDED and default not in _SHAREABLE_DEFAULTS:
        return f"the default of {getattr(operation, 'name', field)} is drawn for each library"
    return None


def _collect(wrapper: Any, old: Release, targets: Sequence[Target] | None, now: datetime) -> Collected | None:
    scratch = scratch_schema(wrapper, old)
    wrapper.set_tenant(SchemaTarget(scratch))
    with wrapper.cursor() as cursor:
        before = read_rows(cursor, scratch)
        executor = MigrationExecutor(wrapper)
        goals = executor.loader.graph.leaf_nodes() if targets is None else list(targets)
        plan: Plan = executor.migration_plan(goals)
        if not plan and targets is not None:
            return None
        if (reason := refusal(plan)) is not None:
            raise NotCollectable(reason)
        statements = _run(wrapper, executor, goals, plan)
        after = read_rows(cursor, scratch)
    wrapper.set_tenant(SchemaTarget(PUBLIC))
    if any(scratch in statement for statement in statements):
        raise NotCollectable("a statement names the schema that it is for")
    names = _migrations_after(old, plan) if targets is not None else set(library_migrations())
    return _proved(wrapper, old, names, statements, before, after, plan, now)


def _run(wrapper: Any, executor: MigrationExecutor, goals: list[Any], plan: Plan) -> list[str]:
    """Run the plan in the wrapper's schema; the statements that the schema editor sent."""
    statements: list[str] = []
    wrapper.SchemaEditorClass = _recording(type(wrapper).SchemaEditorClass, statements)
    inject_rename_contenttypes_operations(plan=plan, using=OWNER)
    state = executor.migrate(goals, plan=plan)
    for label in sorted({migration.app_label for migration, _ in plan}):
        create_permissions(apps.get_app_config(label), verbosity=0, using=OWNER, apps=state.apps)
    return statements


def _recording(editor: type[Any], statements: list[str]) -> type[Any]:
    class RecordingEditor(editor):  # type: ignore[misc]
        """Writes down each statement as it goes to the server, parameters merged."""

        def __enter__(self) -> Any:
            if statements:
                # Each migration is a transaction of its own in Django; here rows that one has written must not hold
                # up the tables of the next ("pending trigger events").
                statements.append(_BETWEEN_MIGRATIONS)
            return super().__enter__()

        def execute(self, sql: Any, params: Any = ()) -> Any:
            text = str(sql) if params is None else self.connection.ops.compose_sql(str(sql), params)
            statements.append(text)
            return super().execute(text, None)

    return RecordingEditor


def _migrations_after(old: Release, plan: Plan) -> set[str]:
    """The library apps' migrations that a schema of `old` has after the plan."""
    labels = {name.split(".")[0] for name in (*old.migrations, *library_migrations())}
    names = set(old.migrations)
    for migration, backwards in plan:
        if migration.app_label in labels:
            name = {f"{migration.app_label}.{migration.name}"}
            names = names - name if backwards else names | name
    return names


def _proved(
    wrapper: Any,
    old: Release,
    names: set[str],
    statements: list[str],
    before: Rows,
    after: Rows,
    plan: Plan,
    now: datetime,
) -> Collected:
    """The script, tried on a second schema of `old`, and its release. Raises NotCollectable."""
    release = Release.objects.using(OWNER).filter(pk=key_of(names)).first()
    wanted = after
    if release is not None:
        if not release.script:
            raise NotCollectable("the new release has no script")
        with wrapper.cursor() as cursor:
            wanted = read_rows(cursor, scratch_schema(wrapper, release))
    parts = [*record_script(before, after, now), *permission_script(before, wanted)]
    script = "\n;\n".join([*statements, *(part.as_string(wrapper.connection) for part in parts)])
    proof = scratch_schema(wrapper, old)
    replay(wrapper, script, proof)
    if release is None:
        release = release_of(wrapper, proof, migrations=names)
    else:
        with wrapper.cursor() as cursor:
            if fingerprint(read_facts(cursor, proof)) != release.fingerprint:
                raise NotCollectable("it comes to another schema than a new library's")
    done = tuple(describe(migration, backwards) for migration, backwards in plan)
    return Collected(Step(old.key, release.key, script), release, done)


def scratch_schema(wrapper: Any, release: Release) -> str:
    """A new schema of this release, in the caller's transaction."""
    name = f"scratch_{uuid.uuid4().hex[:12]}"
    with wrapper.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
    replay(wrapper, release.script, name)
    return name


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction of the owner's that leaves nothing."""
    with transaction.atomic(using=OWNER):
        yield
        transaction.set_rollback(True, using=OWNER)
