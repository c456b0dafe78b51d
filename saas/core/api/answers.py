"""Answers whose bytes are ready."""

from collections.abc import Mapping

from django.http import HttpResponse


class JsonBytes(HttpResponse):
    """An answer whose JSON somebody else has written (PostgreSQL): no renderer runs over it."""

    def __init__(self, body: bytes, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(body, content_type="application/json", headers=dict(headers or {}))
