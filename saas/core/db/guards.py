"""Query sets that remember the schema they were built in.

The one patch of Django that the tenancy guard needs: a query set is lazy, so the library can change between its
building and its evaluation. Its hints travel through every clone and reach the router (saas.core.db.routers), which
refuses them elsewhere. tests/hazards tells when Django changes what is patched here.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import wraps
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import QuerySet
from django.db.models.query import RawQuerySet

from saas.core.db.routers import HINT, require_own


def remember_schema_in_query_sets() -> None:
    """Patch QuerySet once; called when the apps are ready. What is built earlier, at import, belongs to no schema."""
    if hasattr(QuerySet.__init__, "__wrapped__"):
        return
    create, update = QuerySet.bulk_create, QuerySet.bulk_update

    # Both write many instances under one question to the router, which is not told of them.
    @wraps(create)
    def bulk_create(self: Any, objs: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
        objs = list(objs)
        require_own(objs)
        return create(self, objs, *args, **kwargs)

    @wraps(update)
    def bulk_update(self: Any, objs: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
        objs = list(objs)
        require_own(objs)
        return update(self, objs, *args, **kwargs)

    for kind in (QuerySet, RawQuerySet):
        setattr(kind, "__init__", _remembering(kind.__init__))  # noqa: B010  mypy knows no assignment to a method
    setattr(QuerySet, "bulk_create", bulk_create)  # noqa: B010
    setattr(QuerySet, "bulk_update", bulk_update)  # noqa: B010


def _remembering(build: Any) -> Any:
    @wraps(build)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807  the method that it replaces
        build(self, *args, **kwargs)
        if HINT not in self._hints and apps.ready:
            schema = connection.schema_name  # type: ignore[attr-defined]
            if schema is not None:
                self._hints = {**self._hints, HINT: schema}

    return __init__
