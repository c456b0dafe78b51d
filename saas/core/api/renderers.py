"""JSON out: orjson, moments in UTC with Z, decimals as strings."""

import datetime as dt
import functools
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import orjson
from django.utils.functional import Promise
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer

from saas.core.api.fields import utc_text
from saas.core.errors import NotAcceptable

# Without the passthrough orjson would write +00:00, and other offsets as they are.
MAX_ACCEPT = 1_000
_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", re.ASCII)
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
    """Chooses the form by the Accept header alone: `?format=` is an unknown parameter like any other.

    Unlike DRF's own it obeys the weights (RFC 9110, section 12.5.1): the most specific range that names a form
    gives it its weight, the heaviest form wins, and among equals the one the view names first.
    """

    settings = _NoOverride  # type: ignore[assignment]

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> tuple[Any, str]:
        """Return the renderer and its media type. Raises NotAcceptable where no form is wanted."""
        offered = tuple([form.media_type for form in renderers])
        place = _heaviest(request.META.get("HTTP_ACCEPT", "")[:MAX_ACCEPT], offered)
        if place is None:
            raise NotAcceptable(available=list(offered))
        chosen = renderers[place]
        return chosen, chosen.media_type


@functools.lru_cache(maxsize=1024)
def _heaviest(accept: str, offered: tuple[str, ...]) -> int | None:
    ranges = list(_media_ranges(accept)) or [("*", "*", 1.0)]
    weights = [_weight(media_type, ranges) for media_type in offered]
    heaviest = max(weights)
    return weights.index(heaviest) if heaviest else None


def _media_ranges(header: str) -> Iterator[tuple[str, str, float]]:
    """Yield type, subtype and weight of each well-formed range; parameters other than `q` are not told apart."""
    for text in header.lower().split(","):
        name, *parameters = (part.strip() for part in text.split(";"))
        kind, slash, form = name.partition("/")
        weight = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        if slash and kind and form and _WEIGHT.fullmatch(weight):
            yield kind, form, float(weight)


def _weight(media_type: str, ranges: list[tuple[str, str, float]]) -> float:
    kind, _slash, form = media_type.partition("/")
    for named in ((kind, form), (kind, "*"), ("*", "*")):
        found = [weight for *wanted, weight in ranges if tuple(wanted) == named]
        if found:
            return max(found)
    return 0.0


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
