"""What PostgreSQL does with a compiled statement: rows in rows are looked up for the page, not for the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.db import connection

from saas.core.reads import EVERYTHING
from saas.core.reads.read import Variant
from tenant_apps.catalog.api.reads import TITLES
from tests.factories import TitleFactory

ROWS, LIMIT = 12, 3


def lookups(plan: dict[str, Any]) -> Iterator[int]:
    """How often each part was run that belongs to one row."""
    if plan.get("Parent Relationship") in ("SubPlan", "InitPlan"):
        yield plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from lookups(part)


@pytest.mark.parametrize("path", ["pk", "sort_title", "year"])
def test_rows_in_rows_are_looked_up_after_the_limit(in_north: Any, path: str) -> None:
    for _number in range(ROWS):
        TitleFactory.create()
    statement = TITLES.statement(Variant(EVERYTHING, ordering=(path,)))
    assert statement is not None
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.composed.text} LIMIT {LIMIT}", {})
        (found,) = cursor.fetchone()
    counts = list(lookups((orjson.loads(found) if isinstance(found, str) else found)[0]["Plan"]))
    assert counts
    assert max(counts) <= LIMIT
