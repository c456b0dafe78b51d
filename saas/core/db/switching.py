"""The statements that put a connection into a schema, under the library's role.

Path and role travel in one message, so that no failure leaves one without the other. The login of requests inherits
nothing from the libraries' roles: where code changes only one of the two behind our back, the database refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from psycopg.errors import Error
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn

PUBLIC = "public"
EXTENSIONS = "extensions"


@dataclass(frozen=True, slots=True)
class Switch:
    """How to get into one schema.

    `path` is what the server reports once it is there; `session` holds until the next switch, and is undone by the
    rollback of the transaction that it was sent in; `local` are the statements that hold until the end of the
    transaction, to be sent in one message with the statement that follows them, and `results` how many there are.
    """

    path: bytes
    session: bytes
    local: str
    results: int

    def enter(self, pgconn: PGconn) -> None:
        """Switch the session in one round trip, unless the server says that it is there already.

        In a transaction that has failed nothing is sent: whatever follows fails as well, but for the rollback. Raises
        psycopg.OperationalError where the server refuses, or says afterwards that it is somewhere else: the query
        that follows would run in another library.
        """
        reported = pgconn.parameter_status(b"search_path")
        if reported == self.path or pgconn.transaction_status == TransactionStatus.INERROR:
            return
        result = pgconn.exec_(self.session)
        if result.status != ExecStatus.COMMAND_OK:
            raise _refused(self.path, result.error_message)
        if reported is not None and pgconn.parameter_status(b"search_path") != self.path:
            raise _refused(self.path, b"the server reports another one")


def answers(pgconn: PGconn) -> bool:
    """Whether the server at the other end answers an empty query; False where the connection is broken."""
    try:
        return pgconn.exec_(b"").status == ExecStatus.EMPTY_QUERY
    except Error:
        return False


@lru_cache(maxsize=10_000)
def switch_to(schema: str, role: str | None) -> Switch:
    """The switch to a schema and to a role: a library's, `NONE` for the login's own, None where roles are off."""
    path = f"{_quoted(schema)}, {EXTENSIONS}"
    roles = [] if role is None else [f"ROLE {role if role == 'NONE' else _quoted(role)}"]
    settings = [*roles, f"search_path TO {path}"]
    return Switch(
        path=path.encode(),
        session="; ".join(f"SET {setting}" for setting in settings).encode(),
        local="".join(f"SET LOCAL {setting}; " for setting in settings),
        results=len(settings),
    )


def _quoted(name: str) -> str:
    """An identifier, quoted only where PostgreSQL itself would print quotes: the path is compared with its report."""
    if name.isascii() and name.replace("_", "a").isalnum() and name.islower() and not name[0].isdigit():
        return name
    return '"' + name.replace('"', '""') + '"'


def _refused(path: bytes, reason: bytes) -> Error:
    from psycopg import OperationalError

    return OperationalError(
        f"the search path could not be set to {path.decode()}: {reason.decode(errors='replace').strip()}"
    )
