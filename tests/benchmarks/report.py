"""The table for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.results import Outcome, Row, unmet

_MET = {True: "yes", False: "NO", None: ""}


def print_table(console: Console, document: Mapping[str, Any], outcome: Outcome) -> None:
    """Print what was measured, when and on what, the rows, and which targets are missed."""
    size = "quick: sized down" if document["quick"] else "full size"
    table = Table(title=f"{document['benchmark']} ({size}), {document['date']}", title_justify="left")
    for heading in ("what", "unit", "ours", "peer", "against", "ratio", "target", "met"):
        numbers = heading in ("ours", "peer", "ratio", "target")
        table.add_column(heading, justify="right" if numbers else "left", overflow="fold")
    last = ""
    for row in outcome.rows:
        if last and row.name != last:
            table.add_section()
        table.add_row(*cells(row), style="red" if row.met is False else None)
        last = row.name
    console.print(table)
    console.print(
        ", ".join(f"{name} {value}" for name, value in document["machine"].items()), highlight=False
    )
    for note in outcome.notes:
        console.print(note, highlight=False)
    if missed := unmet(outcome.rows):
        console.print(f"{len(missed)} of the targets missed at this size.", highlight=False)


def cells(row: Row) -> list[str]:
    """The row as text."""
    return [
        row.name,
        row.unit,
        number(row.ours),
        number(row.peer),
        row.peer_name or "",
        "" if row.ratio is None else f"{row.ratio:.2f}",
        "" if row.target is None else str(row.target),
        _MET[row.met],
    ]


def number(value: float | None) -> str:
    """A measured number, without needless digits; empty for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"
