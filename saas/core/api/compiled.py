"""Views of compiled reads (saas.core.reads): the bytes of a list or a record, as PostgreSQL wrote them.

Only what differs from request to request is done here: who sees what, which filters, which page. Limits, permissions,
problem documents and headers are those of every view (saas.core.api.views).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
from django.http import HttpResponseNotModified
from django.http.response import HttpResponseBase

from saas.core.api.answers import JsonBytes
from saas.core.api.cursors import Place, Position, neighbours
from saas.core.api.etags import matches_anything, tags_not_wanted
from saas.core.api.lookups import wanted_value
from saas.core.api.tables import Path, paths_of
from saas.core.errors import NotFound
from saas.core.reads.read import LOOKUP, SIZES, TAGS, CompiledRead, Variant, position_name
from saas.core.reads.selection import EXPAND, FIELDS, selected, selection_of


@dataclass(frozen=True, slots=True)
class CompiledPage:
    """JSON objects of a page in their order, each in its own bytes, and the addresses of its neighbours."""

    objects: list[bytes]
    next: str | None
    previous: str | None

    def body(self) -> bytes:
        """Return the page as JSON."""
        ends = orjson.dumps(self.next), orjson.dumps(self.previous)
        return b'{"next":%s,"previous":%s,"results":[%s]}' % (*ends, b",".join(self.objects))


class CompiledList:
    """A view set whose list is `list_read`; its filters, orderings and `?fields=` are declared there.

    Write `list` with its documentation, and return `self.page()`. Put it before ApiViewSet.
    """

    list_read: ClassVar[CompiledRead]
    query_parameters: ClassVar[frozenset[str]] = frozenset()
    ordering_fields: ClassVar[Any] = ()
    default_ordering: ClassVar[Any] = ()
    row_serializer_class: ClassVar[Any] = None
    request: Any
    principal: Any
    paginator: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Take the names that the read declares for the view's own."""
        super().__init_subclass__(**kwargs)
        read = cls.__dict__.get("list_read")
        if read is not None:
            cls.ordering_fields, cls.default_ordering = read.ordering, read.default_ordering
            cls.query_parameters = cls.query_parameters | parameters_of(read)
            cls.row_serializer_class = read.serializer

    def row_columns(self) -> tuple[Path, ...]:
        """The columns of the list in CSV: those that `?fields=` and `?expand=` leave and add."""
        read = self.list_read
        selection = selection_of(self.request.query_params, read.serializer, read.expand)
        return paths_of(selected(read.serializer(), selection, read.expand))

    def page(self, **given: Any) -> HttpResponseBase:
        """Return the page that the request asks for; `given` are values of filters that are no query parameters.

        Raises InvalidParameter, InvalidCursor.
        """
        return JsonBytes(self.compiled_page(**given).body())

    def compiled_page(self, **given: Any) -> CompiledPage:
        """The same before it takes a form; one statement."""
        read, request, query = self.list_read, self.request, self.request.query_params
        size = self.paginator.page_size_of(request)
        ordering = tuple(self.paginator.ordering_of(request, self))
        scoped = read.scope(self.principal)
        filters, values = _filtered(read, query, given)
        keys, fields = read.keys(ordering)
        place = Place(request, keys)
        position = place.position()
        variant = Variant(
            scoped.scope,
            filters,
            selection_of(query, read.serializer, read.expand),
            ordering,
            backward=position is not None and position.backward,
            position=None if position is None else tuple(value is None for value in position.values),
            inclusive=position is not None and position.inclusive,
        )
        result = _rows(read, variant, {**scoped.values, **values, **_at(position)}, size + 1)
        objects = (
            [] if result is None else [result.get_value(at, 0) for at in range(min(result.ntuples, size))]
        )
        if variant.backward:
            objects.reverse()
        edges: list[tuple[Any, ...] | None] = [None, None]
        if objects:
            edges = [sort_values(result.get_value(at, 1), fields) for at in (0, len(objects) - 1)]
        if variant.backward:
            edges.reverse()
        more = result is not None and result.ntuples > size
        following, previous = neighbours(*edges, at=position, more=more)
        return CompiledPage(objects, place.address(following), place.address(previous))


class CompiledRetrieve:
    """A view set one of whose records is `retrieve_read`. Write `retrieve` and return `self.record(pk)`."""

    retrieve_read: ClassVar[CompiledRead]
    detail_query_parameters: ClassVar[frozenset[str]] = frozenset()
    request: Any
    principal: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Take the names that the read declares for the view's own."""
        super().__init_subclass__(**kwargs)
        read = cls.__dict__.get("retrieve_read")
        if read is not None:
            cls.detail_query_parameters = cls.detail_query_parameters | _shapes_of(read)

    def record(
        self, value: str, *, read: CompiledRead | None = None, missing: type[NotFound] = NotFound
    ) -> HttpResponseBase:
        """Return the record that the path names, with its entity tag, or 304 where the caller has it already.

        Raises `missing` for what is not there, what the caller may not see and what cannot be a name at all.
        """
        read, request = read or self.retrieve_read, self.request
        wanted = wanted_value(read.lookup, value, missing=missing)
        scoped = read.scope(self.principal)
        tags = tags_not_wanted(request) if read.is_versioned else []
        selection = selection_of(request.query_params, read.serializer, read.expand)
        variant = Variant(scoped.scope, selection=selection, is_row=True, has_tags=bool(tags))
        result = _rows(read, variant, {**scoped.values, LOOKUP: wanted, TAGS: tags}, 1)
        if result is None or result.ntuples == 0:
            raise missing
        body = result.get_value(0, 0)
        if not read.is_versioned:
            return JsonBytes(body)
        headers = {"ETag": result.get_value(0, 1).decode()}
        if body is None or matches_anything(request):
            return HttpResponseNotModified(headers=headers)
        return JsonBytes(body, headers=headers)


def parameters_of(read: CompiledRead) -> frozenset[str]:
    """Return the query parameters that a read knows, besides the pages' own."""
    return _shapes_of(read) | {name for name, one in read.filters.items() if one.is_parameter}


def _shapes_of(read: CompiledRead) -> frozenset[str]:
    return frozenset({FIELDS, EXPAND} if read.expand else {FIELDS})


def _filtered(
    read: CompiledRead, query: Mapping[str, str], given: Mapping[str, Any]
) -> tuple[tuple[tuple[str, str | None], ...], dict[str, Any]]:
    """Return the filters that apply, in the order of their declaration, and the values of their binds."""
    filters: list[tuple[str, str | None]] = []
    values: dict[str, Any] = {}
    for name, one in read.filters.items():
        if name in given:
            values[name] = given[name]
        elif name not in query or not one.is_parameter:
            continue
        else:
            value = one.parse(query[name])
            if value is None:
                continue
            if one.choices:
                filters.append((name, value))
                continue
            values[name] = value
        filters.append((name, None))
    return tuple(filters), values


def _at(position: Position | None) -> dict[str, Any]:
    if position is None:
        return {}
    return {position_name(at): value for at, value in enumerate(position.values)}


def _rows(read: CompiledRead, variant: Variant, values: Mapping[str, Any], limit: int) -> Any:
    statement = read.statement(variant)
    if statement is None:
        return None
    prepared = variant.selection.is_whole and limit - (not variant.is_row) in SIZES
    return statement.run(values, limit=limit, prepared=prepared)


def sort_values(text: bytes, fields: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the sort values that a statement wrote of a row, in the types of their model fields."""
    found = orjson.loads(text)
    return tuple(
        None if value is None else field.to_python(value) for value, field in zip(found, fields, strict=True)
    )
