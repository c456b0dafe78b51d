"""Two empty schemas on a connection of the owner's, rolled back at the end, and what is done in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from psycopg import sql

from saas.core.db.owner import OWNER, SchemaTarget, owner_connection
from saas.core.schemas import differences, fingerprint, read_facts, replay, write_script

ORIGINAL, COPY = "lib_original", "lib_copy"


class Workshop:
    """Runs statements in the original, makes the copy, compares the two."""

    def __init__(self, wrapper: Any) -> None:
        self.wrapper = wrapper

    def run(self, statements: str, schema: str = ORIGINAL) -> None:
        with self.in_schema(schema), self.wrapper.cursor() as cursor:
            cursor.execute(statements)

    def ask(self, query: str, schema: str = ORIGINAL) -> list[Any]:
        with self.in_schema(schema), self.wrapper.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    @contextmanager
    def in_schema(self, schema: str) -> Iterator[None]:
        before = self.wrapper.tenant
        self.wrapper.set_tenant(SchemaTarget(schema))
        try:
            yield
        finally:
            self.wrapper.set_tenant(before)

    def facts(self, schema: str = ORIGINAL) -> Any:
        with self.wrapper.cursor() as cursor:
            return read_facts(cursor, schema)

    def script(self, *rows_of: str, schema: str = ORIGINAL) -> str:
        with self.wrapper.cursor() as cursor:
            return write_script(cursor, schema, rows_of=rows_of)

    def copy(self, *rows_of: str) -> str:
        """Make the copy; its script."""
        script = self.script(*rows_of)
        replay(self.wrapper, script, COPY)
        return script

    def require_likeness(self) -> None:
        """No fact sets the two apart, and each has some."""
        original, copy = self.facts(), self.facts(COPY)
        assert original
        assert differences(original, copy) == []
        assert fingerprint(original) == fingerprint(copy)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What happens inside is rolled back."""
        with transaction.atomic(using=OWNER):
            yield
            transaction.set_rollback(True, using=OWNER)


@pytest.fixture
def workshop(django_db_setup: None, django_db_blocker: Any) -> Iterator[Workshop]:
    with django_db_blocker.unblock(), owner_connection() as wrapper:
        work = Workshop(wrapper)
        with work.undone():
            for schema in (ORIGINAL, COPY):
                with wrapper.cursor() as cursor:
                    cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
            yield work
