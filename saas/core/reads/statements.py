"""Running what a read was compiled to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection

from saas.core.db.composing import Composed, compiler_of, composed


@dataclass(frozen=True, slots=True)
class Statement:
    """A composed query set whose rows are taken as the server sends them."""

    composed: Composed

    def run(self, values: Mapping[str, Any], *, limit: int, prepared: bool) -> Any:
        """Execute it, for at most `limit` rows, and return the server's result: bytes, as it sent them.

        `prepared` is for the texts that come again and again: each is kept in the server. Raises KeyError where a
        bind has no value, and whatever the database raises.
        """
        given = self.composed.values(values)
        with connection.prepared_cursor() if prepared else connection.cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute(f"{self.composed.text} LIMIT {limit:d}", given)
            return cursor.pgresult


def statement_of(queryset: Any) -> Statement | None:
    """Return the statement of a query set without a limit, None where it has no rows whatever the values are."""
    try:
        return Statement(composed(compiler_of(queryset)))
    except EmptyResultSet:
        return None


@contextmanager
def without_library() -> Iterator[None]:
    """Nothing inside the block reaches the database: what is compiled once must be the same in every library."""
    wrapper: Any = connection
    tenant = wrapper.tenant
    wrapper.set_tenant(None)
    try:
        yield
    finally:
        wrapper.set_tenant(tenant)
