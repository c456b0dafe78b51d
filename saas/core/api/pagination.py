"""Pages by position, not by number: no COUNT, no OFFSET, one query a page, stable while rows come and go.

Cursors are saas.core.api.cursors.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core.api.cursors import CURSOR, PAGE_SIZE, Place, neighbours
from saas.core.api.keysets import after, keys_for, ordered, values_of
from saas.core.api.parameters import invalid_parameter

ORDERING = "ordering"


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
        size = self.page_size_of(request)
        keys = keys_for(queryset, self.ordering_of(request, view))
        place = Place(request, keys)
        position = place.position()
        backward = position is not None and position.backward
        rows = ordered(queryset, keys, reverse=backward)
        if position is not None:
            wanted = after(keys, position.values, reverse=backward, inclusive=position.inclusive)
            rows = rows.filter(wanted)
        found = list(rows[: size + 1])
        page = found[:size]
        if backward:
            page.reverse()
        outer = [values_of(page[at], keys) if page else None for at in (0, -1)]
        following, previous = neighbours(*outer, at=position, more=len(found) > size)
        self._next, self._previous = place.address(following), place.address(previous)
        return page

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page with the addresses of its neighbours, null at either end."""
        return Response({"next": self._next, "previous": self._previous, "results": data})

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
