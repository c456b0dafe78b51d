"""Schemas of libraries that come from elsewhere: made as they were there, and brought forward once their rows are in.

Everything happens in the caller's transaction on the owner's connection, with the rows that the library brings: what
fails leaves nothing. Nobody else sees the schema before the commit, so what a migration would do without locking
(CREATE INDEX CONCURRENTLY, which no transaction allows) is done the plain way.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db.migrations import AddIndex, RemoveIndex
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.utils import timezone
from psycopg import sql

from saas.core.db.owner import OWNER, SchemaTarget
from saas.core.db.roles import grant_schema, make_role
from saas.core.schemas import replay
from shared_apps.fleet.models import LibrarySchema, Release, SchemaState
from shared_apps.fleet.services.releases import current_key, current_release, key_of, library_migrations
from shared_apps.fleet.services.schemas import new_schema_name


def make_schema_as_of(wrapper: Any, migrations: Collection[str]) -> str:
    """Make a taken schema with its role as these migrations ("app.name") leave one; its name.

    By the script of the release where this database knows it, else by the migrations themselves, which must all be on
    disk. It holds whatever rows they write. `wrapper` is the connection of the owner_connection() block around it.
    """
    name, key = new_schema_name(), key_of(migrations)
    release = _release(key)
    LibrarySchema(name=name, state=SchemaState.TAKEN, release=key).save(using=OWNER, force_insert=True)
    with wrapper.cursor() as cursor:
        make_role(cursor, name)
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        grant_schema(cursor, name)
    if release is not None and release.script:
        replay(wrapper, release.script, name)
    else:
        _migrate_up_to(wrapper, name, migrations)
    return name


def bring_forward(wrapper: Any, name: str) -> list[str]:
    """Migrate a schema to the release of this process's code, content types and permissions included; what was applied.

    The answer has the library apps' migrations ("app.name") in order.
    """
    before = wrapper.tenant
    wrapper.set_tenant(SchemaTarget(name))
    try:
        executor: Any = _PlainExecutor(wrapper)
        targets = executor.loader.graph.leaf_nodes()
        plan = executor.migration_plan(targets)
        if plan:
            state = executor._create_project_state(with_applied_migrations=True)
            emit_pre_migrate_signal(0, False, OWNER, apps=state.apps, plan=plan)
            state = executor.migrate(targets, plan=plan, state=state.clone())
            emit_post_migrate_signal(0, False, OWNER, apps=state.apps, plan=plan)
    finally:
        wrapper.set_tenant(before)
    LibrarySchema.objects.using(OWNER).filter(pk=name).update(
        release=current_key(), migrated_at=timezone.now()
    )
    return [known for migration, _ in plan if (known := str(migration)) in library_migrations()]


def _release(key: str) -> Release | None:
    if key == current_key():
        return current_release()
    return Release.objects.using(OWNER).filter(pk=key).first()


def _migrate_up_to(wrapper: Any, name: str, migrations: Collection[str]) -> None:
    """Run these migrations and no signals, whose receivers know the tables of today alone."""
    before = wrapper.tenant
    wrapper.set_tenant(SchemaTarget(name))
    try:
        executor = _PlainExecutor(wrapper)
        graph = executor.loader.graph
        wanted = {key for key in graph.nodes if ".".join(key) in migrations}
        ends = [key for key in wanted if not wanted & {child.key for child in graph.node_map[key].children}]
        executor.migrate(sorted(ends))
    finally:
        wrapper.set_tenant(before)


class _PlainExecutor(MigrationExecutor):
    def apply_migration(
        self, state: Any, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> Any:
        # The loader made this copy of the migration for us alone.
        own: Any = migration
        own.operations, own.atomic = without_concurrency(migration.operations), True
        return super().apply_migration(state, migration, fake=fake, fake_initial=fake_initial)


def without_concurrency(operations: Sequence[Operation]) -> list[Operation]:
    """The same operations, those on indexes in the form that a transaction allows."""
    return [_plain(operation) for operation in operations]


def _plain(operation: Operation) -> Operation:
    if isinstance(operation, AddIndexConcurrently):
        return AddIndex(operation.model_name, operation.index)
    if isinstance(operation, RemoveIndexConcurrently):
        return RemoveIndex(operation.model_name, operation.name)
    return operation
