"""The public schema in a fleet run: it comes first, by the ordinary path, and only where something is missing."""

from __future__ import annotations

from collections.abc import Sequence

from django.apps import apps
from django.contrib.auth.management import _get_all_permissions  # type: ignore[attr-defined]
from django.db.migrations.executor import MigrationExecutor

from saas.core.db.owner import owner_connection
from saas.core.db.roles import prepare_database
from saas.core.db.switching import PUBLIC
from shared_apps.fleet.services.locks import FleetLock, held
from shared_apps.fleet.services.ordinary import Target, migrate_schema_ordinarily
from shared_apps.fleet.services.registry import Survey
from shared_apps.fleet.services.releases import migrations_on_disk


def public_is_current(seen: Survey) -> bool:
    """Whether the public schema has every migration, and what the end of a migration writes (a killed one did not)."""
    return _migrations() <= seen.public_migrations and _permissions() <= seen.public_permissions


def migrate_public(targets: Sequence[Target] | None) -> None:
    """Migrate the public schema to `targets` (None: the newest of every app). Raises what the migrations raise.

    One process at a time: of two that begin with an empty database, the second finds it done.
    """
    with held(FleetLock.PUBLIC, wait=True), owner_connection() as wrapper:
        with wrapper.cursor() as cursor:
            prepare_database(cursor)
        migrate_schema_ordinarily(wrapper, PUBLIC, targets)


def public_plan(targets: Sequence[Target] | None) -> tuple[str, ...]:
    """What `migrate_public` would apply ("app.name") or take back ("-app.name")."""
    with owner_connection() as wrapper:
        executor = MigrationExecutor(wrapper)
        goals = executor.loader.graph.leaf_nodes() if targets is None else list(targets)
        plan = executor.migration_plan(goals)
    return tuple(f"{'-' if backwards else ''}{migration}" for migration, backwards in plan)


def _migrations() -> set[str]:
    labels = [app.label for app in apps.get_app_configs()]
    return {f"{label}.{name}" for label in labels for name in migrations_on_disk(label)}


def _permissions() -> set[str]:
    """What Django's `create_permissions` makes for every model, by its own list: "app.model.codename"."""
    return {
        f"{app.label}.{model._meta.model_name}.{codename}"
        for app in apps.get_app_configs()
        if app.models_module
        for model in app.get_models()
        for codename, _name in _get_all_permissions(model._meta)
    }
