"""Phase: memory of the server's process behind one connection, after it has worked in so many libraries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from tests.benchmarks.tenancy.field import Field

MOST = 100
_PRIVATE = re.compile(r"^Private_(?:Clean|Dirty):\s+(\d+) kB$", re.MULTILINE)


def measure(field: Field) -> dict[str, dict[int, float]]:
    """MiB by contender and number of libraries (0: just connected); empty where the system does not tell."""
    steps = sorted({1, min(10, len(field.schemas)), min(MOST, len(field.schemas))})
    found: dict[str, dict[int, float]] = {}
    for name, one in (("ours", field.ours), ("stock", field.stock)):
        pid = one.ask("calls.reconnect")
        before = private_memory(pid)
        if before is None:
            return {}
        found[name] = {0: before}
        for step, last in zip(steps, [0, *steps], strict=False):
            one.ask("memory.touch", schemas=field.schemas[last:step])
            found[name][step] = private_memory(pid) or 0.0
    return found


def private_memory(pid: int) -> float | None:
    """MiB that the process has for itself alone; None where it cannot be read."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    return sum(map(int, _PRIVATE.findall(text))) / 1024


def touch(schemas: Sequence[str]) -> int:
    """In the contender: read a row of every table of these schemas on the one connection; the number of tables."""
    from django.db import connection

    from saas.core.db.owner import SchemaTarget

    wrapper = cast(Any, connection)
    tables = 0
    for schema in schemas:
        wrapper.set_tenant(SchemaTarget(schema))
        with wrapper.cursor() as cursor:
            for table in wrapper.introspection.table_names(cursor):
                cursor.execute(f"SELECT 1 FROM {wrapper.ops.quote_name(table)} LIMIT 1")
                tables += 1
    wrapper.set_schema_to_public()
    return tables
