"""From a query set to the text of its statement: constants in it, the values of binds beside it.

Django composes the SQL of a query set anew each time, which takes it twenty times as long as PostgreSQL takes to answer
one row. What a table means stays in the selectors of its app, written as ordinary query sets; only the text is kept. It
holds no schema: each run is answered by the library that is current then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from psycopg import sql

from saas.core.db.binds import Bind, as_text


@dataclass(frozen=True, slots=True)
class Composed:
    """The text, with `%(name)s` for each bind, and the names of those."""

    text: str
    names: tuple[str, ...]

    def values(self, given: Mapping[str, Any]) -> dict[str, str | None]:
        """What is sent beside the text. Raises KeyError where a bind has no value."""
        return {name: as_text(given[name]) for name in self.names}


def composed(compiler: Any) -> Composed:
    """Compose what a compiler of Django's compiles. Raises EmptyResultSet where it has no rows whatever the values."""
    text, params = compiler.as_sql()
    names = tuple(dict.fromkeys(param.name for param in params if isinstance(param, Bind)))
    # Doubled, since psycopg reads the text as a template once more.
    return Composed(text.replace("%%", "%%%%") % tuple(map(_written, params)), names)


def compiler_of(rows: Any) -> Any:
    """Return Django's compiler for a query set."""
    return rows.query.get_compiler(DEFAULT_DB_ALIAS)


def _written(param: Any) -> str:
    """A constant stands in the text as itself: the server plans for it, and has to guess no type."""
    if isinstance(param, Bind):
        return f"%({param.name})s"
    return sql.Literal(param).as_string(None).replace("%", "%%")
