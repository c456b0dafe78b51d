"""The one endpoint that takes a file."""

from __future__ import annotations

from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.parsers import DataAndFiles, MultiPartParser

from saas.core.errors import BodyTooLarge

FORM_ALLOWANCE = 64 * 1024  # bytes of boundaries and other fields around the file


class ImportUploadParser(MultiPartParser):
    """Reads multipart/form-data with a file of at most settings.IMPORT_MAX_BYTES.

    Django reads no further than Content-Length says, and writes all but small files to disk as they come in.
    """

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> DataAndFiles[Any, Any]:
        """Return fields and files. Raises BodyTooLarge (413) before anything is read."""
        request = (parser_context or {}).get("request")
        announced = request.META.get("CONTENT_LENGTH") if request is not None else None
        limit = int(settings.IMPORT_MAX_BYTES)
        if announced and str(announced).isdigit() and int(announced) > limit + FORM_ALLOWANCE:
            raise BodyTooLarge(
                _("The file may have %(limit)d bytes at most.") % {"limit": limit}, max_bytes=limit
            )
        return super().parse(stream, media_type, parser_context)
