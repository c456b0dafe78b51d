"""What a request sends to PostgreSQL, read from libpq's own trace: nothing that speaks to the server is overlooked.

Counted are commands, however they are sent: through the ORM, by psycopg alone, prepared or several at a time.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connection
from psycopg.pq import Trace

# What keeps a transaction or a session in order, and asks for nothing.
_AROUND = re.compile(
    r"\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|RESET|DEALLOCATE|START)\b", re.IGNORECASE
)
# Messages of the frontend. A text in quotes may have several lines.
_MESSAGE = re.compile(r"^F\t\d+\t(Query|Parse|Bind|Execute)\t ?(.*?)(?=^[FB]\t|\Z)", re.MULTILINE | re.DOTALL)
# Of a Parse, its name and text; of a Bind, its portal and the name that was parsed.
_PARSED = re.compile(r'"([^"]*)" "(.*)" \d', re.DOTALL)
_BOUND = re.compile(r'"[^"]*" "([^"]*)"')


@dataclass(frozen=True)
class Count:
    """Statements that read or write, and commands around them (transactions, savepoints, settings)."""

    statements: int
    around: int

    def __str__(self) -> str:
        return f"{self.statements} + {self.around}" if self.around else str(self.statements)


@dataclass
class Sent:
    """The commands that were sent, in their order."""

    commands: list[str] = field(default_factory=list)

    @property
    def count(self) -> Count:
        """How many of each kind."""
        around = sum(_AROUND.match(command) is not None for command in self.commands)
        return Count(len(self.commands) - around, around)


_prepared: dict[str, str] = {}


@contextmanager
def traced() -> Iterator[Sent]:
    """Collect what this thread's connection sends within the block."""
    connection.ensure_connection()
    server = connection.connection.pgconn
    sent = Sent()
    with tempfile.TemporaryFile() as file:
        server.trace(file.fileno())
        server.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        try:
            yield sent
        finally:
            server.untrace()
        assert connection.connection.pgconn is server, "the connection was exchanged: nothing was counted"
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        sent.commands += commands_in(file.read().decode(errors="replace"))


def commands_in(trace: str) -> list[str]:
    """The commands of a trace as libpq writes it, without their parameters."""
    commands: list[str] = []
    bound = ""
    for kind, rest in _MESSAGE.findall(trace):
        if kind == "Query":
            commands.append(rest.strip().strip('"'))
        elif kind == "Execute":
            commands.append(_prepared.get(bound, f"(prepared as {bound})"))
        elif kind == "Parse" and (parsed := _PARSED.match(rest)):
            _prepared[parsed[1]] = parsed[2]
        elif kind == "Bind" and (named := _BOUND.match(rest)):
            bound = named[1]
    return commands
