"""Cursors that look at the schema when they execute, not when they are made.

A cursor outlives the block that it was opened in; between its making and its next statement the library may have
changed, and a transaction, a savepoint or a raw SET may have moved the path. So each statement is checked (where the
server reports its path) or carries its switch (where it does not, or a pooler stands between).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db.backends.postgresql import base as postgres
from psycopg import ClientCursor, Cursor, errors, sql
from psycopg.pq import TransactionStatus

from saas.core.db.switching import Switch

# Their stubs know them as psycopg2's.
_Cursor: Any = postgres.Cursor
_ServerSideCursor: Any = cast(Any, postgres).ServerSideCursor


class _Checked:
    """For both kinds of cursor. `connection.library_wrapper` is the DatabaseWrapper; None while connecting."""

    _conn: Any

    def _carried(self) -> Switch | None:
        """The switch that the next statement must carry, or None where the session has been switched already."""
        wrapper = getattr(self._conn, "library_wrapper", None)
        if wrapper is None:
            return None
        switch: Switch = wrapper.current_switch()
        if not wrapper.carries_switch:
            switch.enter(self._conn.pgconn)
            return None
        if self._conn.pgconn.transaction_status == TransactionStatus.INERROR:
            return None  # whatever follows fails as well, but for the rollback
        return switch

    @contextmanager
    def _switched(self) -> Iterator[None]:
        """Around what cannot carry its switch in its own message: a transaction that begins with it."""
        switch = self._carried()
        if switch is None:
            yield
            return
        conn = self._conn
        alone = conn.autocommit and conn.pgconn.transaction_status == TransactionStatus.IDLE
        if not alone:
            _send(conn, switch)
            yield
            return
        with conn.transaction():
            _send(conn, switch)
            yield


class _Single:
    """Statements go alone, so that SQL injected into one of ours cannot bring a second (`; RESET ROLE; ...`)."""

    _conn: Any

    def _execute_send(self, query: Any, **options: Any) -> None:
        # The extended protocol takes one statement alone. psycopg has no public option for it;
        # tests/hazards/test_injection.py tells when this method changes.
        wrapper = getattr(self._conn, "library_wrapper", None)
        if wrapper is not None and wrapper.takes_single_statements:
            options["force_extended"] = True
        cast(Any, super())._execute_send(query, **options)


class LibraryCursor(_Checked, _Single, _Cursor):  # type: ignore[misc]
    """The ordinary cursor: parameters are merged here, rows come at once."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        switch = self._carried()
        if switch is None:
            return super().execute(query, params, **options)
        super().execute(_after(switch.local, query), params, **options)
        for _setting in range(switch.results):
            self.nextset()
        return self

    def executemany(self, query: Any, params_seq: Iterable[Any], **options: Any) -> None:
        with self._switched():
            super().executemany(query, params_seq, **options)

    def stream(self, query: Any, params: Any = None, **options: Any) -> Iterator[Any]:
        with self._switched():
            yield from super().stream(query, params, **options)

    @contextmanager
    def copy(self, statement: Any, params: Any = None, **options: Any) -> Iterator[Any]:
        with self._switched(), super().copy(statement, params, **options) as copy:
            yield copy


class PreparedCursor(_Checked, _Single, Cursor[Any]):
    """A cursor whose statements the server parses and plans once a connection; parameters are bound there.

    PostgreSQL looks at the search path and at the role again with each execution, and plans anew where the path is
    another one than the plan was made for: a statement prepared in one library reads the rows of the next.
    """

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        self._carried()
        options.setdefault("prepare", True)
        try:
            return super().execute(query, params, **options)
        except (errors.FeatureNotSupported, errors.InvalidSqlStatementName):
            # A migration has changed what the statement returns ("cached plan must not change result type"), or the
            # server has forgotten it. Inside a transaction all is lost anyway; the server is told after its rollback.
            self._conn._prepared.forget()
            if self._conn.pgconn.transaction_status != TransactionStatus.IDLE:
                raise
            ClientCursor(self._conn).execute("DEALLOCATE ALL")
            self._carried()
            return super().execute(query, params, **options)

    def _convert_query(self, query: Any, params: Any = None) -> Any:
        # Django logs what it finds here (psycopg's own cursor leaves it empty); tests/hazards/test_prepared.py tells.
        self._query = super()._convert_query(query, params)
        return self._query


class LibraryServerSideCursor(_Checked, _ServerSideCursor):  # type: ignore[misc]
    """The cursor of `QuerySet.iterator()`: declared on the server, its rows come in pieces."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        with self._switched():
            return super().execute(query, params, **options)


def _send(conn: Any, switch: Switch) -> None:
    ClientCursor(conn).execute(switch.local)


def _after(prefix: str, query: Any) -> Any:
    if isinstance(query, bytes):
        return prefix.encode() + query
    return prefix + query if isinstance(query, str) else sql.SQL(prefix) + query
