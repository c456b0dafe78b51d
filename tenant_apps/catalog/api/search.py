"""HTTP for the search."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core.api.cursors import CURSOR, PAGE_SIZE
from saas.core.api.pagination import KeysetPagination
from saas.core.api.views import ApiView
from saas.core.errors import InvalidCursor, InvalidParameter
from tenant_apps.catalog import selectors
from tenant_apps.catalog.api.parameters import (
    FILTERS,
    listed,
    read_cursor,
    read_filters,
    read_query,
    write_cursor,
)
from tenant_apps.catalog.api.title_serializers import HitSerializer, SearchPageSerializer

_SEVERAL = "Several values, separated by commas, widen the search."
_PARAMETERS = [
    OpenApiParameter(
        "q", str, description='Words, "phrases", -excluded words, or an ISBN. Empty: the newest.'
    ),
    OpenApiParameter("material_type", str, description=f"As in the facet. {_SEVERAL}"),
    OpenApiParameter("language", str, description=f"MARC language codes. {_SEVERAL}"),
    OpenApiParameter("year", str, description=f"Years of publication. {_SEVERAL}"),
    OpenApiParameter("contributor", str, description=f"Ids from the facet. {_SEVERAL}"),
    OpenApiParameter("subject", str, description=f"Ids from the facet. {_SEVERAL}"),
    OpenApiParameter("branch", str, description=f"Codes of branches with a copy on the shelf. {_SEVERAL}"),
    OpenApiParameter("available", OpenApiTypes.BOOL, description="Whether a copy is on the shelf somewhere."),
    OpenApiParameter(CURSOR, str, description="Position of a page, taken from `next` or `previous`."),
    OpenApiParameter(PAGE_SIZE, int, description="Titles a page, 1 to 100; 25 by default."),
]


class SearchView(ApiView):
    """Full text search with facets."""

    permissions: ClassVar = {"GET": "catalog.view"}
    query_parameters: ClassVar = frozenset({"q", *FILTERS, CURSOR, PAGE_SIZE})
    may_be_empty: ClassVar = frozenset({"q", CURSOR})
    error_codes: ClassVar = {"GET": (InvalidParameter, InvalidCursor)}
    row_serializer_class = HitSerializer

    @extend_schema(summary="Search titles", parameters=_PARAMETERS, responses=SearchPageSerializer)
    def get(self, request: Request) -> Response:
        """Titles, best first; the newest without `q`.

        At most 2,000 titles can be paged to, and a count beyond 1,000 is not exact: narrow the search by its
        facets.
        """
        query = read_query(request.query_params.get("q", ""))
        filters = read_filters(listed(request.query_params))
        size = KeysetPagination().page_size_of(request)
        offset = read_cursor(request.query_params.get(CURSOR), request.query_params)
        page = selectors.search_titles(query, filters, offset=offset, size=size)
        suggestions = [] if page.count else selectors.suggestions_for(query, filters)
        return Response(
            {
                "count": page.count,
                "count_is_exact": page.count_is_exact,
                "next": _address(request, offset + size) if page.has_next else None,
                "previous": _address(request, max(0, offset - size)) if offset else None,
                "results": HitSerializer(page.hits, many=True).data,
                "facets": {name: facet_json(facet) for name, facet in _facets(query, filters).items()},
                "suggestions": suggestions,
            }
        )


def _facets(query: Any, filters: selectors.Filters) -> dict[str, selectors.Facet]:
    return selectors.facets_of(query, filters)


def facet_json(facet: selectors.Facet) -> dict[str, Any]:
    """A facet as it is answered; a label stands beside values that are ids or codes."""
    values = []
    for found in facet.values:
        value = {"value": found.value, "count": found.count}
        values.append({**value, "label": found.label} if found.label else value)
    return {"exact": facet.exact, "values": values}


def _address(request: Request, offset: int) -> str:
    query = request.query_params.copy()
    query.pop(CURSOR, None)
    if offset:
        query[CURSOR] = write_cursor(offset, request.query_params)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
