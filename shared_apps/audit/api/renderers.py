"""The log as a file of one JSON object a line."""

from __future__ import annotations

from typing import Any

from saas.core.api.renderers import dump
from saas.core.api.tables import RowsRenderer


class JsonLinesRenderer(RowsRenderer):
    """One entry a line, in the shape that the list has."""

    media_type = "application/x-ndjson"
    format = "ndjson"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        """Return the bytes."""
        return b"".join(dump(entry) + b"\n" for entry in data)
