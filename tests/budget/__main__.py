"""`python -m tests.budget`: count anew and write docs/queries.md. Read the difference: more is a reason to look."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import pytest

from tests.budget.page import COLUMNS, PAGE, page

TESTS = Path(__file__).with_name("test_budget.py")


def main() -> int:
    """Run the measuring test and write what it has found; its exit code where it has failed otherwise."""
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as notes:
        os.environ["LIBRARYHUB_BUDGET"] = notes.name
        code = pytest.main(["-q", "-n", "0", "-k", "test_it_takes_what_the_table_says", str(TESTS)])
        if code != pytest.ExitCode.OK:
            return int(code)
        cells = {(site, key, caller, rows): cell for site, key, caller, rows, cell in map(json.loads, notes)}
    keys = sorted(
        {(site, key) for site, key, _caller, _rows in cells},
        key=lambda k: (k[0], *reversed(k[1].split(" ", 1))),
    )
    table: dict[str, dict[str, tuple[str, ...]]] = {}
    for site, key in keys:
        table.setdefault(site, {})[key] = tuple(cells.get((site, key, *column), "-") for column in COLUMNS)
    PAGE.write_text(page(table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
