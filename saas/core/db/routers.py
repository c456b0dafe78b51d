"""Rows know the schema that they came from, and query sets the one that they were built in.

Django asks its database router before each evaluation and each write, with the instance or the query set's hints. The
alias that ours answers with is the text "default" with the schema on it; Django keeps it on every instance it loads
(`_state.db`). So an instance or a query set that turns up in another schema is refused before a statement is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, cast

from django.apps import apps
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections

from saas.core.db.errors import WrongLibrary
from saas.core.db.switching import PUBLIC

HINT = "schema"
"""Name of the router hint by which a query set carries the schema that it was built in (saas.core.db.guards)."""


def chosen_schema() -> str | None:
    """The schema that this thread has chosen, or None where it has chosen none."""
    return cast("str | None", cast(Any, connection).schema_name)


class SchemaAlias(str):
    """The name of a database connection, with the schema that was current when Django asked for it."""

    schema: str

    def __new__(cls, alias: str, schema: str) -> SchemaAlias:
        text = super().__new__(cls, alias)
        text.schema = schema
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        return SchemaAlias, (str(self), self.schema)


class LibraryRouter:
    """Everything is on "default", in the current schema; migrations go where the apps' tables live."""

    def db_for_read(self, model: Any, **hints: Any) -> SchemaAlias | None:
        """Raises WrongLibrary for an instance or a query set of another schema."""
        schema = chosen_schema()
        if schema is None:
            return None  # the cursor says what is missing
        instance = hints.get("instance")
        if instance is not None:
            if instance._state.db not in (None, DEFAULT_DB_ALIAS):
                return None  # of another connection (the owner's, a benchmark's), to which Django goes back
            _require_own(instance, schema)
        _require(hints.get(HINT, schema), schema, model)
        return _alias(schema)

    def db_for_write(self, model: Any, **hints: Any) -> SchemaAlias | None:
        """Raises WrongLibrary for an instance or a query set of another schema, or one that refers to such."""
        alias = self.db_for_read(model, **hints)
        instance = hints.get("instance")
        if alias is not None and instance is not None:
            for related in instance._state.fields_cache.values():
                if hasattr(related, "_state"):
                    _require_own(related, alias.schema)
        return alias

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> None:
        """Raises WrongLibrary where a row is to refer to a row of another schema; else Django's own rule holds."""
        schema = _schema_of(one)
        _require(getattr(other._state.db, "schema", schema), schema, type(other))

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool:
        """Whether an app's tables belong into the schema in which a connection is working."""
        public = cast(Any, connections[db]).schema_name == PUBLIC
        apps_there: list[str] = getattr(settings, "SHARED_APPS" if public else "TENANT_APPS")
        return apps.get_app_config(app_label).name in apps_there


def require_own(instances: Iterable[Any]) -> None:
    """Raise WrongLibrary if one of these model instances was loaded or saved in another schema than the current."""
    schema = chosen_schema()
    for instance in instances:
        _require_own(instance, schema)


def require_schema(home: str | None, model: Any) -> None:
    """Raise WrongLibrary if `home`, where a query set of `model` was built, is another schema than the current."""
    schema = chosen_schema()
    _require(home or schema, schema, model)


def _require_own(instance: Any, schema: str | None) -> None:
    _require(getattr(instance._state.db, "schema", schema), schema, type(instance))


def _schema_of(instance: Any) -> str | None:
    home: str | None = getattr(instance._state.db, "schema", chosen_schema())
    return home


def _require(home: str | None, schema: str | None, model: Any) -> None:
    if home != schema:
        raise WrongLibrary(f"{model.__name__} of {home} in {schema}")


@lru_cache(maxsize=10_000)
def _alias(schema: str) -> SchemaAlias:
    return SchemaAlias(DEFAULT_DB_ALIAS, schema)
