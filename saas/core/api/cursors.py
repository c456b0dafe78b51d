"""Cursors: positions in a list, as clients carry them from page to page.

A cursor holds the sort values of the row at the page's edge, signed for this library, path, filter and ordering and
for this version of its form, so that it can neither be changed nor be used elsewhere.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Model
from rest_framework.request import Request

from saas.core.api.keysets import Key
from saas.core.api.parameters import CURSOR
from saas.core.errors import InvalidCursor
from saas.core.tenancy import current_schema

PAGE_SIZE = "page_size"
MAX_CURSOR_LENGTH = 4096
CURSOR_FORMAT = 1
"""Of what `address` writes. With another number the cursors of the release before are refused, and not misread."""


@dataclass(frozen=True, slots=True)
class Position:
    """An edge between rows: the sort values beside it, which way to read, and whether that row counts."""

    values: tuple[Any, ...]
    backward: bool = False
    inclusive: bool = False


class Place:
    """The list that a request asks for, in one ordering: what its cursors are good for."""

    def __init__(self, request: Request, keys: Sequence[Key]) -> None:
        self._request = request
        query = request.query_params
        self._query = {name: query[name] for name in query}
        self._keys = keys

    @cached_property
    def _signer(self) -> signing.Signer:
        bound = sorted(item for item in self._query.items() if item[0] not in (CURSOR, PAGE_SIZE))
        order = ",".join(key.text for key in self._keys)
        path = self._request.path
        return signing.Signer(
            salt=f"cursor:{CURSOR_FORMAT}:{current_schema()}:{path}:{urlencode(bound)}:{order}"
        )

    def position(self) -> Position | None:
        """Return the position that the request names, None at the beginning. Raises InvalidCursor."""
        text = self._query.get(CURSOR)
        if text is None:
            return None
        if len(text) > MAX_CURSOR_LENGTH:
            raise InvalidCursor
        try:
            backward, inclusive, values = self._signer.unsign_object(text)
        except signing.BadSignature as error:
            raise InvalidCursor from error
        return Position(tuple(_unpack(value) for value in values), bool(backward), bool(inclusive))

    def address(self, position: Position | None) -> str | None:
        """Return the address of the page that begins at a position, None for none."""
        if position is None:
            return None
        values = [_pack(value) for value in position.values]
        cursor = self._signer.sign_object([int(position.backward), int(position.inclusive), values])
        query = urlencode({**self._query, CURSOR: cursor})
        return str(self._request.build_absolute_uri(f"{self._request.path}?{query}"))


def neighbours(
    first: tuple[Any, ...] | None, last: tuple[Any, ...] | None, *, at: Position | None, more: bool
) -> tuple[Position | None, Position | None]:
    """Return where the next and the previous page begin.

    `first` and `last` are the sort values of the page's outer rows, None of an empty page; `at` is where the page
    began, and `more` whether rows follow in the direction of reading.
    """
    if first is None or last is None:
        return _around_nothing(at)
    backward = at is not None and at.backward
    following = Position(last) if more or backward else None
    has_previous = more if backward else at is not None
    return following, Position(first, backward=True) if has_previous else None


def _around_nothing(at: Position | None) -> tuple[Position | None, Position | None]:
    # The rows beyond the cursor are gone; the way back begins with the cursor's own row.
    if at is None:
        return None, None
    back = Position(at.values, backward=not at.backward, inclusive=True)
    return (back, None) if at.backward else (None, back)


_PACKERS: tuple[tuple[type, str], ...] = (
    (dt.datetime, "t"),  # before date, whose subclass it is
    (dt.date, "d"),
    (dt.time, "h"),
    (Decimal, "n"),
    (uuid.UUID, "u"),
)
_UNPACKERS: dict[str, Any] = {
    "t": dt.datetime.fromisoformat,
    "d": dt.date.fromisoformat,
    "h": dt.time.fromisoformat,
    "n": Decimal,
    "u": uuid.UUID,
}


def _pack(value: Any) -> Any:
    if isinstance(value, Model):
        return value.pk
    for kind, tag in _PACKERS:
        if isinstance(value, kind):
            return {tag: value.isoformat() if hasattr(value, "isoformat") else str(value)}
    return value


def _unpack(value: Any) -> Any:
    if isinstance(value, dict):
        ((tag, text),) = value.items()
        return _UNPACKERS[tag](text)
    return value


__all__ = ["CURSOR", "CURSOR_FORMAT", "PAGE_SIZE", "Place", "Position", "neighbours"]
