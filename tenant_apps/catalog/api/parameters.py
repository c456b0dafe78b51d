"""Query parameters of a search: what was typed, the filters, the place in the list of results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urlencode

from django.core import signing
from django.http import QueryDict
from django.utils.translation import gettext as _

from saas.core.api.fields import forbidden_character, parse_id
from saas.core.api.parameters import invalid_parameter
from saas.core.errors import InvalidCursor
from saas.core.tenancy import current_schema
from tenant_apps.catalog.rules.queries import MAX_QUERY_LENGTH, Query, parse_query
from tenant_apps.catalog.selectors import Filters

T = TypeVar("T")
FILTERS = ("material_type", "language", "year", "contributor", "subject", "branch", "available")
MAX_VALUES = 20
MAX_VALUE_LENGTH = 64
_YEAR_LENGTH = 4
_BOOLEANS = {"true": True, "false": False}


def read_query(text: str) -> Query:
    """What was typed. Raises InvalidParameter beyond MAX_QUERY_LENGTH characters; nothing else is an
    error.
    """
    if len(text) > MAX_QUERY_LENGTH:
        detail = _("Search for at most %(limit)d characters.") % {"limit": MAX_QUERY_LENGTH}
        raise invalid_parameter("q", "max_length", detail)
    return parse_query(text)


def read_filters(values: Mapping[str, list[str]]) -> Filters:
    """The filters, each with its values. Raises InvalidParameter for a value that the filter cannot have."""
    available = _each("available", values, _boolean)
    return Filters(
        material_type=_each("material_type", values, str),
        language=_each("language", values, str),
        year=_each("year", values, _year),
        contributor=_each("contributor", values, parse_id),
        subject=_each("subject", values, parse_id),
        branch=_each("branch", values, str),
        # Both at once is the same as neither.
        available=available[0] if len(set(available)) == 1 else None,
    )


def listed(query: QueryDict) -> dict[str, list[str]]:
    """The values of each filter in an API address, where several are separated by commas."""
    return {name: str(query[name]).split(",") for name in FILTERS if query.get(name)}


def _each(name: str, values: Mapping[str, list[str]], read: Callable[[str], T | None]) -> tuple[T, ...]:
    given = [value.strip() for value in values.get(name, ())]
    found = [read(value) for value in given if _is_plain(value)]
    kept = tuple(value for value in found if value is not None)
    if len(kept) != len(given) or len(given) > MAX_VALUES:
        detail = _('"%(name)s" has a value that this filter does not know.') % {"name": name}
        raise invalid_parameter(name, "invalid", detail)
    return kept


def _is_plain(value: str) -> bool:
    return 0 < len(value) <= MAX_VALUE_LENGTH and not forbidden_character(value, multiline=False)


def _year(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _YEAR_LENGTH else None


def _boolean(text: str) -> bool | None:
    return _BOOLEANS.get(text)


def write_cursor(offset: int, query: QueryDict) -> str:
    """The position of a page in the results of exactly this search of this library."""
    return _signer(query).sign_object(offset)


def read_cursor(text: str | None, query: QueryDict) -> int:
    """The offset of a page, from 0. Raises InvalidCursor for a cursor of another search."""
    if text is None:
        return 0
    try:
        offset = _signer(query).unsign_object(text)
    except signing.BadSignature as error:
        raise InvalidCursor from error
    return int(offset)


def _signer(query: QueryDict) -> signing.Signer:
    bound = sorted((name, value) for name in ("q", *FILTERS) for value in query.getlist(name))
    return signing.Signer(salt=f"search:{current_schema()}:{urlencode(bound)}")
