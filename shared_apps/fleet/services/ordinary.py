"""The ordinary path: Django's own `migrate`, in one schema, on the owner's connection.

Slow (seconds for a whole schema) and always right: templates are built by it, and whatever the quick paths refuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management import call_command
from django.core.management.commands.migrate import Command
from django.db import connections

from saas.core.db.owner import SchemaTarget

# App label and migration name; None takes the app back to before its first migration.
Target = tuple[str, str | None]


def migrate_schema_ordinarily(wrapper: Any, schema: str, targets: Sequence[Target] | None = None) -> None:
    """Migrate one schema to `targets` (None: to the newest of every app), content types and permissions included.

    `wrapper` is the connection of `owner_connection()`, which is left in the schema that it was in. Each atomic
    migration is a transaction of its own, or a savepoint inside the caller's; one that is not atomic needs autocommit.
    Raises what the migration raises, CommandError for a target that does not exist.
    """
    active: Any = connections[wrapper.alias]
    if active is not wrapper:
        raise ValueError("the ordinary path needs the connection of the owner_connection() block around it")
    before = wrapper.tenant
    wrapper.set_tenant(SchemaTarget(schema))
    try:
        if targets is None:
            _migrate(wrapper.alias)
        else:
            for app_label, name in targets:
                _migrate(wrapper.alias, app_label, name or "zero")
    finally:
        wrapper.set_tenant(before)


def _migrate(alias: str, *target: str) -> None:
    call_command(Command(), *target, database=alias, interactive=False, verbosity=0, skip_checks=True)
