"""Query sets that remember the schema they were built in, and rows that are refused where Django asks no router.

A query set is lazy, so the library can change between its building and its evaluation. Its hints travel through every
clone and reach the router (saas.core.db.routers), which refuses them elsewhere. Where a row or a query set becomes a
value of another query, Django asks nobody, so the same question is put there. These are our patches of Django's ORM;
tests/hazards/test_wrong_library.py tells when Django changes what is patched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.apps import apps
from django.db.models import Model, QuerySet
from django.db.models.query import RawQuerySet
from django.db.models.sql import Query

from saas.core.db.routers import HINT, chosen_schema, require_own, require_schema


def remember_schema_in_query_sets() -> None:
    """Patch the ORM once; called when the apps are ready. What is built earlier, at import, belongs to no schema."""
    if hasattr(QuerySet.__init__, "__wrapped__"):
        return
    _wrap(QuerySet, "__init__", after=_remember_schema)
    _wrap(RawQuerySet, "__init__", after=_remember_schema)
    # (a raw query set has asked the router when it was built, and asks no more)
    _wrap(RawQuerySet, "iterator", before=_require_here)
    # Many instances under one question to the router, which is not told of them.
    for name in ("bulk_create", "bulk_update"):
        setattr(QuerySet, name, _looking_at_each(getattr(QuerySet, name)))
    # A query set or a row as a value: filter(title__in=titles), filter(title=title), update(title=title).
    _wrap(QuerySet, "resolve_expression", before=lambda rows, *args, **kwargs: _require_here(rows))
    _wrap(Query, "check_related_objects", before=lambda _query, _field, value, *args: _require_own(value))
    _wrap(Model, "prepare_database_save", before=lambda row, *args: _require_own(row))


def _wrap(
    owner: type,
    name: str,
    *,
    before: Callable[..., None] | None = None,
    after: Callable[..., None] | None = None,
) -> None:
    method = getattr(owner, name)

    @wraps(method)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        if before is not None:
            before(self, *args, **kwargs)
        result = method(self, *args, **kwargs)
        if after is not None:
            after(self)
        return result

    setattr(owner, name, wrapped)


def _looking_at_each(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def wrapped(self: Any, objs: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
        rows = list(objs)  # a generator could be read only once
        require_own(rows)
        return method(self, rows, *args, **kwargs)

    return wrapped


def _remember_schema(rows: Any) -> None:
    if HINT not in rows._hints and apps.ready:
        schema = chosen_schema()
        if schema is not None:
            rows._hints = {**rows._hints, HINT: schema}


def _require_here(rows: Any) -> None:
    require_schema(rows._hints.get(HINT), rows.model)


def _require_own(value: Any) -> None:
    """`value` is a row, a list or tuple or set of rows, or anything else that a lookup takes."""
    if isinstance(value, Model):
        require_own([value])
    elif isinstance(value, list | tuple | set):
        require_own(row for row in value if isinstance(row, Model))
