"""A script makes a schema's like: fact by fact, row by row."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from saas.core.schemas import differences, fingerprint, read_facts, replay, write_script

KEPT = ("django_migrations", "django_content_type", "auth_permission")


@pytest.fixture
def cursor(db: None) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA lib_copy")
        yield cursor


def test_a_copy_of_a_library_differs_in_no_fact(cursor: Any) -> None:
    script = write_script(cursor, "lib_north", rows_of=KEPT)
    replay(connection, script, "lib_copy")
    original, copy = read_facts(cursor, "lib_north"), read_facts(cursor, "lib_copy")
    assert len(original) > 500
    assert differences(original, copy) == []
    assert fingerprint(original) == fingerprint(copy)
    assert write_script(cursor, "lib_copy", rows_of=KEPT) == script
