"""Versions of the API. A version is a place in the address (`/api/v2/`), with views and serializers of its own over the
services that all versions share, and with an OpenAPI document of its own. Nothing chooses between versions at run time.
"""

import functools
import re
from collections.abc import Sequence

from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, get_resolver, include, path

from saas.core.errors import NotFound, UnknownVersion

CURRENT = "v1"
_PLACE = re.compile(r"api/(v[1-9][0-9]?)/")
_ASKED = re.compile(r"/api/(v[0-9][0-9.]{0,9})(?:/|\Z)", re.ASCII)


def version_urls(version: str, routes: Sequence[URLPattern | URLResolver]) -> URLResolver:
    """Return the routes of one version, each below `/api/VERSION/`."""
    return path(f"{prefix_of(version)}/"[1:], include(list(routes)))


def prefix_of(version: str) -> str:
    """Return where the addresses of a version begin: `/api/v1`."""
    return f"/api/{version}"


@functools.cache
def versions_of(urlconf: str | None) -> tuple[str, ...]:
    """Return the versions that a site has, the oldest first."""
    places = [_PLACE.fullmatch(str(route.pattern)) for route in get_resolver(urlconf).url_patterns]
    return tuple(sorted({place[1] for place in places if place}, key=lambda version: int(version[1:])))


def nothing_there(request: HttpRequest) -> NotFound:
    """Return the error for an address without a route; where its version is what is wrong, it says which there are."""
    asked = _ASKED.match(request.path_info)
    known = versions_of(getattr(request, "urlconf", None)) if asked else ()
    if asked and known and asked[1] not in known:
        return UnknownVersion(versions=list(known))
    return NotFound()
