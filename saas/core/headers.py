"""Headers that are the same on every answer: written once, when the middleware is made, and then only put in."""

from __future__ import annotations

import functools
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


def vary_on(response: HttpResponseBase, name: str) -> None:
    """Say that the answer depends on a header of the request, as Django's `patch_vary_headers` says it."""
    kept = _store(response)
    kept["vary"] = ("Vary", _with(kept["vary"][1] if "vary" in kept else "", name))


@functools.lru_cache(maxsize=256)
def _with(vary: str, name: str) -> str:
    names = [named.strip() for named in vary.split(",") if named.strip()]
    if "*" in names:
        return "*"
    return ", ".join(names if name.lower() in {named.lower() for named in names} else [*names, name])


def _store(response: HttpResponseBase) -> dict[str, tuple[str, str]]:
    return cast("dict[str, tuple[str, str]]", cast(Any, response.headers)._store)
