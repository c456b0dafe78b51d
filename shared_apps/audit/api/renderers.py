"""The log as a file: CSV (RFC 4180) and one JSON object a line."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

from rest_framework.renderers import BaseRenderer

from saas.core.api.renderers import dump

COLUMNS: Final = (
    "id",
    "at",
    "action",
    "actor_kind",
    "actor_id",
    "actor_label",
    "target_type",
    "target_id",
    "request_id",
    "changes",
    "personal",
)
# A spreadsheet takes what begins so for a formula; the apostrophe makes it text, and is its first character then.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class CsvRenderer(BaseRenderer):
    """One entry a line; `changes` and `personal` are JSON."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        """Return the bytes, the names of the columns first."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows(_row(entry) for entry in data)
        return text.getvalue().encode()


class JsonLinesRenderer(BaseRenderer):
    """One entry a line, in the shape that the list has."""

    media_type = "application/x-ndjson"
    format = "ndjson"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        """Return the bytes."""
        return b"".join(dump(entry) + b"\n" for entry in data)


def _row(entry: dict[str, Any]) -> list[str]:
    actor = entry["actor"]
    flat = {
        **entry,
        "actor_kind": actor["kind"],
        "actor_id": actor["id"] or "",
        "actor_label": actor["label"],
        "changes": dump(entry["changes"]).decode(),
        "personal": "" if entry["personal"] is None else dump(entry["personal"]).decode(),
    }
    return [_as_text(str(flat[column])) for column in COLUMNS]


def _as_text(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value
