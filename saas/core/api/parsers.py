"""Request bodies: JSON alone by default, bounded before it is read. Imports no view (see permissions)."""

from typing import IO, Any

from django.conf import settings
from django.utils.http import parse_header_parameters
from django.utils.translation import gettext as _
from rest_framework.parsers import BaseParser

from saas.core.errors import BodyTooLarge, MalformedJson, UnsupportedMediaType
from saas.core.json import MalformedJSONError, parse_json

DEFAULT_MAX_BODY_BYTES = 1024 * 1024


class StrictJSONParser(BaseParser):
    """Reads application/json: UTF-8, at most settings.API_MAX_BODY_BYTES, as strict as `parse_json`."""

    media_type = "application/json"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the value of the body.

        Raises BodyTooLarge (413), UnsupportedMediaType (415: a charset other than UTF-8, a compressed
        body) or MalformedJson (400, with line and column).
        """
        request = (parser_context or {}).get("request")
        _check_encoding(media_type, request)
        body = _read(stream, request)
        try:
            return parse_json(body)
        except MalformedJSONError as error:
            raise _problem(error) from error


def _check_encoding(media_type: str | None, request: Any) -> None:
    _kind, parameters = parse_header_parameters(media_type or "")
    charset = parameters.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(_("Send JSON in UTF-8."))
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity") if request is not None else "identity"
    if encoding.strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType(_("Send the body without compression."))


def _read(stream: IO[Any], request: Any) -> bytes:
    limit = int(getattr(settings, "API_MAX_BODY_BYTES", DEFAULT_MAX_BODY_BYTES))
    announced = request.META.get("CONTENT_LENGTH") if request is not None else None
    if announced and announced.isascii() and announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    body: bytes = stream.read(limit + 1)
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(_("The body may have %(limit)d bytes at most.") % {"limit": limit}, max_bytes=limit)


def _problem(error: MalformedJSONError) -> MalformedJson:
    if error.line is None:
        return MalformedJson(error.reason)
    where = {"reason": error.reason.rstrip("."), "line": error.line, "column": error.column}
    text = _("%(reason)s (line %(line)d, column %(column)d).") % where
    return MalformedJson(text, line=error.line, column=error.column)
