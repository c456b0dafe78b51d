"""From a query set to the text of its statement: constants in it, the values of binds beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection
from psycopg import sql

from saas.core.reads.binds import Bind, as_text


@dataclass(frozen=True, slots=True)
class Statement:
    """The text, with `%(name)s` for each bind, and the names of those."""

    text: str
    names: tuple[str, ...]

    def run(self, values: Mapping[str, Any], *, limit: int, prepared: bool) -> Any:
        """Execute it, for at most `limit` rows, and return the server's result: bytes, as it sent them.

        `prepared` is for the texts that come again and again: each is kept in the server. Raises KeyError where a
        bind has no value, and whatever the database raises.
        """
        given = {name: as_text(values[name]) for name in self.names}
        with connection.prepared_cursor() if prepared else connection.cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute(f"{self.text} LIMIT {limit:d}", given)
            return cursor.pgresult


def statement_of(queryset: Any) -> Statement | None:
    """Return the statement of a query set without a limit, None where it has no rows whatever the values are."""
    try:
        text, params = queryset.query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    except EmptyResultSet:
        return None
    names = tuple(dict.fromkeys(param.name for param in params if isinstance(param, Bind)))
    # Doubled, since psycopg reads the text as a template once more.
    return Statement(text.replace("%%", "%%%%") % tuple(_written(param) for param in params), names)


def _written(param: Any) -> str:
    if isinstance(param, Bind):
        return f"%({param.name})s"
    return sql.Literal(param).as_string(None).replace("%", "%%")


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
