"""Headers that are the same on every answer: written once, when the middleware is made, and then only put in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.http import HttpResponse
from django.http.response import HttpResponseBase

FixedHeaders = tuple[tuple[str, tuple[str, str]], ...]


def fixed(headers: Mapping[str, str]) -> FixedHeaders:
    """The headers in the form in which an answer keeps them. Raises BadHeaderError, as setting them would."""
    made = _store(HttpResponse(headers=dict(headers)))
    return tuple((name.lower(), made[name.lower()]) for name in headers)


def add_fixed(response: HttpResponseBase, headers: FixedHeaders) -> None:
    """Set each header that the answer does not have yet.

    `response.headers` checks and encodes name and value each time, half of the work of a light middleware. So what
    stands behind it is filled directly, with what it has made of the same headers itself.
    """
    kept = _store(response)
    for key, pair in headers:
        if key not in kept:
            kept[key] = pair


def _store(response: HttpResponseBase) -> dict[str, tuple[str, str]]:
    return cast("dict[str, tuple[str, str]]", cast(Any, response.headers)._store)
