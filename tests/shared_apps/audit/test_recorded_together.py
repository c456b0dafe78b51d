"""Entries of one block are written together, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core.principals import SYSTEM
from shared_apps.audit.models import AuditEntry, AuditPersonalValues
from shared_apps.audit.services import record, recorded_together

pytestmark = pytest.mark.usefixtures("in_north")


def write() -> None:
    record(action="one.made", by=SYSTEM, personal={"name": "One"})
    record(action="two.made", by=SYSTEM, changes={"n": 2})
    record(action="three.made", by=SYSTEM, personal={"name": "Three"})


def made() -> dict[str, Any]:
    rows = AuditEntry.objects.filter(action__endswith=".made").order_by("pk")
    return {row.action: row for row in rows}


def test_they_take_two_statements_and_keep_their_order_and_personal_values() -> None:
    with CaptureQueriesContext(connection) as queries, recorded_together():
        write()
        assert made() == {}
    assert sum("INSERT" in query["sql"] for query in queries) == 2
    assert list(made()) == ["one.made", "two.made", "three.made"]
    assert {action: row.personal.values for action, row in made().items() if action != "two.made"} == {
        "one.made": {"name": "One"},
        "three.made": {"name": "Three"},
    }
    assert not AuditPersonalValues.objects.filter(entry=made()["two.made"]).exists()


def test_a_block_that_fails_writes_none_and_later_entries_are_written_at_once() -> None:
    with pytest.raises(ZeroDivisionError), recorded_together():
        write()
        raise ZeroDivisionError
    assert made() == {}
    record(action="later.made", by=SYSTEM)
    assert list(made()) == ["later.made"]
