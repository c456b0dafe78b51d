"""A title's record in the forms that other library systems read."""

from __future__ import annotations

from typing import Any

from rest_framework.renderers import BaseRenderer


class _RecordRenderer(BaseRenderer):
    """Passes bytes through."""

    charset = None
    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        """Return the bytes of the record."""
        return bytes(data)


class MarcXmlRenderer(_RecordRenderer):
    """MARCXML, a collection of one record (RFC 6207)."""

    media_type = "application/marcxml+xml"
    format = "marcxml"


class Iso2709Renderer(_RecordRenderer):
    """MARC 21 in ISO 2709 and UTF-8 (RFC 2220)."""

    media_type = "application/marc"
    format = "marc"
