"""The table for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.results import ALL, Outcome, Profile, Row, unmet

OTHER, SMALL = "other parts, each below 1 % of everything", 0.01
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
    for name, profile in outcome.profiles.items():
        console.print(profile_table(name, profile))
    for note in outcome.notes:
        console.print(note, highlight=False)
    if missed := unmet(outcome.rows):
        console.print(f"{len(missed)} of the targets missed at this size.", highlight=False)


def profile_table(name: str, profile: Profile) -> Table:
    """Where the time goes: a line for each part, the greatest first, a column for each request."""
    table = Table(title=f"{name}: microseconds by part, in one process without HTTP", title_justify="left")
    table.add_column("part", overflow="fold")
    for request in profile:
        table.add_column(request, justify="right")
    for part, times in lines_of(profile):
        if part == ALL:
            table.add_section()
        table.add_row(part, *(f"{one:,.0f}" for one in times))
    return table


def lines_of(profile: Profile) -> list[tuple[str, list[float]]]:
    """Each part with its times in all requests, the greatest first; then the small ones together, then the whole."""
    parts = dict.fromkeys(part for one in profile.values() for part in one if part != ALL)
    shown = [part for part in parts if any(one.get(part, 0) >= SMALL * one[ALL] for one in profile.values())]
    lines = {part: [one.get(part, 0.0) for one in profile.values()] for part in shown}
    whole = [one[ALL] for one in profile.values()]
    rest = [each - sum(times[at] for times in lines.values()) for at, each in enumerate(whole)]
    return [*sorted(lines.items(), key=lambda line: -sum(line[1])), (OTHER, rest), (ALL, whole)]


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
