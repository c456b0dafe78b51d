"""docs/queries.md, which is the table itself: one line for each address, read by the test and written by `python -m tests.budget`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

PAGE = Path(__file__).resolve().parents[2] / "docs" / "queries.md"
# Whose request it is, and how many rows there are.
COLUMNS: Final = (("admin", 1), ("admin", 50), ("scoped", 1), ("scoped", 50))
Row = tuple[str, ...]
Table = dict[str, dict[str, Row]]
_HEAD = """# How many statements each address takes

Measured by `tests/budget`, which fails when a number is another one, when an address is missing, and when fifty rows take
more than one. `uv run python -m tests.budget` writes this page anew; read the difference before you commit it.

* Counted is every command that PostgreSQL gets for a request that succeeds, as libpq's trace shows it. `3 + 2` are three
  statements that read or write, and two commands around them: BEGIN and COMMIT or a savepoint, and what chooses a library.
* The caches of the process are full (host, principal, types of content), as they are from the second request on. What
  happens after the commit, and in workers, is not in it.
* 1 row: lists are asked for a page of one. 50 rows: there are fifty of everything, fifty on each page, and fifty nested
  in what is shown (contributors, subjects, copies, shares, loans, cards, assignments, keys, sessions).
* The admin is the library's, or an owner of the platform. The scoped caller holds roles for branches and a collection alone; a dash is
  an address that is not open to them.
"""
_TITLES = {"library": "A library's site", "public": "The public site"}


def page(table: Mapping[str, Mapping[str, Row]]) -> str:
    """The whole page as Markdown."""
    return _HEAD + "".join(_section(site, rows) for site, rows in table.items())


def _section(site: str, rows: Mapping[str, Row]) -> str:
    lines = [
        "",
        f"## {_TITLES[site]}",
        "",
        "| address | admin: 1 row | 50 rows | scoped: 1 row | 50 rows |",
        "|---|---|---|---|---|",
        *(f"| `{key}` | {' | '.join(cells)} |" for key, cells in rows.items()),
    ]
    return "\n".join(lines) + "\n"


def read() -> Table:
    """The numbers that the page gives, by site and address."""
    table: Table = {site: {} for site in _TITLES}
    site = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            site = next(name for name, title in _TITLES.items() if title == line.removeprefix("## "))
        elif line.startswith("| `"):
            key, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            table[site][key.strip("`")] = tuple(cells)
    return table
