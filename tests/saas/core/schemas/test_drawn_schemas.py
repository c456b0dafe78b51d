"""Any schema of tables, however odd, is copied without a difference; and what goes for one goes for its copy."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, transaction
from hypothesis import HealthCheck, Phase, assume, given, note, settings

from saas.core.db.owner import OWNER
from tests.saas.core.schemas.schemas_in_sql import Drawn, drawn_schemas

DRAWN = settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.deep
@DRAWN
@given(drawn=drawn_schemas())
def test_a_drawn_schema_is_copied_without_a_difference(workshop: Any, drawn: Drawn) -> None:
    with workshop.undone():
        _make(workshop, drawn)
        script = workshop.copy()
        note(script)
        workshop.require_likeness()
        assert workshop.script(schema="lib_copy") == script
        for table, constraint in drawn.constraints:
            _both(workshop, f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        for _table, index in drawn.indexes:
            _both(workshop, f"DROP INDEX {index}")
        for table, columns in drawn.columns.items():
            _both(workshop, f"ALTER TABLE {table} DROP COLUMN {min(columns)} CASCADE")
        workshop.require_likeness()


def _make(workshop: Any, drawn: Drawn) -> None:
    for statement in drawn.statements:
        note(statement)
        try:
            with transaction.atomic(using=OWNER):
                workshop.run(statement)
        except DatabaseError as error:
            note(str(error))
            raise
    assume(workshop.facts())


def _both(workshop: Any, statement: str) -> None:
    for schema in ("lib_original", "lib_copy"):
        workshop.run(statement, schema)
