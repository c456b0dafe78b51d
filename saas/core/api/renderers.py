"""JSON out: orjson, moments in UTC with Z, decimals as strings."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from django.utils.functional import Promise
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer

from saas.core.api.fields import utc_text

# Without the passthrough orjson would write +00:00, and other offsets as they are.
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS


class ORJSONRenderer(BaseRenderer):
    """Renders application/json in UTF-8."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        """Return the bytes; none at all for None, which is a 204."""
        return b"" if data is None else dump(data)


class _NoOverride:
    URL_FORMAT_OVERRIDE = None


class AcceptNegotiation(DefaultContentNegotiation):
    """Chooses the form by the Accept header alone: `?format=` is an unknown parameter like any other."""

    settings = _NoOverride  # type: ignore[assignment]


def dump(data: Any) -> bytes:
    """Return `data` as JSON in UTF-8.

    Raises TypeError for what has no JSON form, such as a naive datetime: a bug of the caller.
    """
    return orjson.dumps(data, default=_plain, option=_OPTIONS)


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return utc_text(value)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
