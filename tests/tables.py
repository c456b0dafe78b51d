"""Reading our CSV as a client would by its description: the module's own words, not its code."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

_ADDED = re.compile(r"(?:^|(?<=[;\t\r\n]))'")


def read_table(content: bytes) -> tuple[list[str], list[dict[str, str]]]:
    """Names of the columns, and each row by them. Raises ValueError for rows of another length."""
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
    return header, [dict(zip(header, row, strict=True)) for row in rows]


def restored(cell: str) -> str:
    """The text that was there before formulas were defused: one apostrophe less wherever one stands."""
    return _ADDED.sub("", cell)


def same(value: Any, cell: str) -> bool:
    """Whether a cell says what the JSON value says; of lists and objects also."""
    text = restored(cell)
    if value is None or value == []:
        return cell == ""
    if isinstance(value, str):
        return text == value
    if isinstance(value, list) and not any(isinstance(member, dict | list) for member in value):
        return _split(text) == [member if isinstance(member, str) else json.dumps(member) for member in value]
    return bool(json.loads(text) == value)


def flat(row: dict[str, Any], columns: list[str]) -> dict[str, Any]:
    """The values of a JSON row by column: `a.b` is member b of object a, null where the object is null."""
    found: dict[str, Any] = {}
    for column in columns:
        value: Any = row
        for name in column.split("."):
            value = value.get(name) if value is not None else None
        found[column] = value
    return found


def _split(text: str) -> list[str]:
    parts, escaped = [""], False
    at = 0
    while at < len(text):
        char = text[at]
        if escaped:
            parts[-1] += char
            escaped = False
        elif char == "\\":
            escaped = True
        elif text.startswith("; ", at):
            parts.append("")
            at += 1
        else:
            parts[-1] += char
        at += 1
    return parts
