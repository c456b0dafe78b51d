"""Pages by position, not by number: no COUNT, no OFFSET, one query a page, stable while rows come and go.

A cursor holds the sort values of the row at the page's edge, signed for this library, path, filter and
ordering, so that it can neither be changed nor be used elsewhere.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Model
from django.utils.translation import gettext as _
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core.api.keysets import Key, after, keys_for, ordered, values_of
from saas.core.api.parameters import CURSOR, invalid_parameter
from saas.core.errors import InvalidCursor
from saas.core.tenancy import current_schema

PAGE_SIZE, ORDERING = "page_size", "ordering"
MAX_CURSOR_LENGTH = 4096
# Of what `_encode` writes. With another number the cursors of the release before are refused, and not misread.
CURSOR_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Position:
    """An edge between rows: the sort values beside it, which way to read, and whether that row counts."""

    values: tuple[Any, ...]
    backward: bool = False
    inclusive: bool = False


class KeysetPagination(BasePagination):
    """`{"next", "previous", "results"}`; `page_size` 1 to 100.

    The view says `ordering_fields` (public name to field path, or the names alone) and `default_ordering`
    (a public name, "-" before it for descending; by default the newest id first). Rows may be instances
    or, from `.values()`, dicts that hold the ordering fields and "id".
    """

    default_page_size: ClassVar[int] = 25
    max_page_size: ClassVar[int] = 100
    query_parameters: ClassVar[frozenset[str]] = frozenset({CURSOR, PAGE_SIZE, ORDERING})

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the rows of the page that the request asks for.

        Raises InvalidParameter for a page size or ordering that is not allowed, InvalidCursor for a
        cursor that was not made for exactly this list.
        """
        self.request = request
        size = self.page_size_of(request)
        self._keys = keys_for(queryset, self.ordering_of(request, view))
        position = self._decode(request.query_params.get(CURSOR))
        backward = position is not None and position.backward
        rows = ordered(queryset, self._keys, reverse=backward)
        if position is not None:
            wanted = after(self._keys, position.values, reverse=backward, inclusive=position.inclusive)
            rows = rows.filter(wanted)
        found = list(rows[: size + 1])
        more, page = len(found) > size, found[:size]
        if backward:
            page.reverse()
        self._set_edges(page, position, more)
        return page

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page with the addresses of its neighbours, null at either end."""
        return Response(
            {"next": self._address(self._next), "previous": self._address(self._previous), "results": data}
        )

    def page_size_of(self, request: Request) -> int:
        """Return the number of rows asked for. Raises InvalidParameter outside 1 to 100."""
        text = request.query_params.get(PAGE_SIZE)
        if text is None:
            return self.default_page_size
        if text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= self.max_page_size:
            return int(text)
        limit = {"most": self.max_page_size}
        raise invalid_parameter(
            PAGE_SIZE, "out_of_range", _("page_size is a number from 1 to %(most)d.") % limit
        )

    def ordering_of(self, request: Request, view: Any) -> list[str]:
        """Return field paths, "-" before those that descend. Raises InvalidParameter for an unknown name."""
        declared = getattr(view, "ordering_fields", ())
        known = dict(declared) if isinstance(declared, Mapping) else {name: name for name in declared}
        text = request.query_params.get(ORDERING)
        default = getattr(view, "default_ordering", ())
        names = text.split(",") if text else ([default] if isinstance(default, str) else list(default))
        plain = [name.removeprefix("-") for name in names]
        unknown = [name for name in plain if text and name not in known]
        if unknown or len(set(plain)) != len(plain):
            choices = {"choices": ", ".join(sorted(known))}
            raise invalid_parameter(
                ORDERING, "invalid_choice", _("Order by each of these once at most: %(choices)s.") % choices
            )
        signs = ["-" if name.startswith("-") else "" for name in names]
        return [sign + known.get(name, name) for sign, name in zip(signs, plain, strict=True)]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the OpenAPI schema of a page whose results have `schema`."""
        address = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": {**address, "example": "https://riverside.example/api/v1/...?cursor=WzAsMCxbN11d"},
                "previous": {**address, "example": None},
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the OpenAPI parameters of a list."""
        names = sorted(getattr(view, "ordering_fields", ()))
        size = {
            "type": "integer",
            "minimum": 1,
            "maximum": self.max_page_size,
            "default": self.default_page_size,
        }
        described = [
            (CURSOR, "Position of a page, taken from `next` or `previous`.", {"type": "string"}),
            (PAGE_SIZE, "Rows a page.", size),
        ]
        if names:
            text = "Comma-separated names, - before one for descending: " + ", ".join(names) + "."
            described.append((ORDERING, text, {"type": "string"}))
        return [
            {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
            for name, text, schema in described
        ]

    # -- edges and cursors ----------------------------------------------------------------------------------

    def _set_edges(self, page: Sequence[Any], position: Position | None, more: bool) -> None:
        backward = position is not None and position.backward
        self._next = self._previous = None
        if not page:
            self._set_empty_edges(position)
            return
        if more or backward:
            self._next = Position(values_of(page[-1], self._keys))
        if (more and backward) or (position is not None and not backward):
            self._previous = Position(values_of(page[0], self._keys), backward=True)

    def _set_empty_edges(self, position: Position | None) -> None:
        # The rows beyond the cursor are gone; the way back begins with the cursor's own row.
        if position is None:
            return
        back = Position(position.values, backward=not position.backward, inclusive=True)
        if position.backward:
            self._next = back
        else:
            self._previous = back

    def _address(self, position: Position | None) -> str | None:
        if position is None:
            return None
        query = self.request.query_params.copy()
        query[CURSOR] = self._encode(position)
        return str(self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}"))

    def _signer(self) -> signing.Signer:
        query = self.request.query_params
        bound = sorted((name, query[name]) for name in query if name not in (CURSOR, PAGE_SIZE))
        keys = ",".join(key.text for key in self._keys)
        salt = f"cursor:{CURSOR_FORMAT}:{current_schema()}:{self.request.path}:{urlencode(bound)}:{keys}"
        return signing.Signer(salt=salt)

    def _encode(self, position: Position) -> str:
        values = [_pack(value) for value in position.values]
        return self._signer().sign_object([int(position.backward), int(position.inclusive), values])

    def _decode(self, text: str | None) -> Position | None:
        if text is None:
            return None
        if len(text) > MAX_CURSOR_LENGTH:
            raise InvalidCursor
        try:
            backward, inclusive, values = self._signer().unsign_object(text)
        except signing.BadSignature as error:
            raise InvalidCursor from error
        return Position(tuple(_unpack(value) for value in values), bool(backward), bool(inclusive))


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


__all__ = ["CURSOR", "ORDERING", "PAGE_SIZE", "Key", "KeysetPagination", "Position"]
