"""The connection of the schemas' owner: the one way to DDL (scale.md, rule 9).

Requests and tasks run on the connection "default", which may be logged in as a role without DDL rights. What makes or
changes tables (migrations, new library schemas, import, deletion) opens a connection of its own here, works in
transactions of its own, and closes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connections

OWNER = "owner"


@dataclass(frozen=True, slots=True)
class SchemaTarget:
    """A schema that a connection is to work in, where no library is known yet (`set_tenant` takes it)."""

    schema_name: str


@contextmanager
def owner_connection() -> Iterator[Any]:
    """A fresh connection (saas.core.db.base.DatabaseWrapper) logged in as the owner, in the public schema.

    While the block runs, this thread's `connections["owner"]` is that one, so that Django's schema editor, migration
    executor and `using="owner"` reach it. Autocommit: use `transaction.atomic(using="owner")` for a transaction. It
    does not see what the caller has not committed on "default". Closed at the end, whatever happens inside.
    """
    before = connections[OWNER]
    wrapper = connections.create_connection(OWNER)
    connections[OWNER] = wrapper
    try:
        yield wrapper
    finally:
        connections[OWNER] = before
        wrapper.close()
