"""Pages as the contract has them: DRF's own cursor pages, which need no COUNT."""

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """By id, the newest first."""

    ordering = "-id"
    page_size = 25
    page_size_query_param = "page_size"
    max_page_size = 100


class ByCode(NewestFirst):
    """By code."""

    ordering = "code"
