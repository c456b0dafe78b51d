"""Entity tags: strong ones from a row's version, weak ones from the bytes of a list.

A strong tag names row, version and form (`"4711.7.json"`), so two forms of one version never share one.
`If-Match` compares row and version alone: who read the MARC form may change the JSON form.
"""

import hashlib
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol

from django.http import HttpResponseNotModified
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core.api.answers import JsonBytes
from saas.core.errors import PreconditionFailed, PreconditionRequired

_TAG = re.compile(r'\s*((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')


class Versioned(Protocol):
    """A row whose `version` grows by one with every change."""

    @property
    def pk(self) -> Any:
        """The row's key."""

    @property
    def version(self) -> int:
        """How often it was changed, and one."""


def etag_of(row: Versioned, form: str = "json") -> str:
    """Return the strong entity tag of a row in one representation form."""
    return f'"{row.pk}.{row.version}.{form}"'


def require_match(request: Request, row: Versioned) -> None:
    """Check that the caller changes the version it has read.

    Call it with the row locked, or a change may slip in between. Raises PreconditionRequired (428)
    without an If-Match header, PreconditionFailed (412) when it names another version. A weak tag never
    matches (RFC 9110, section 13.1.1).
    """
    header = request.META.get("HTTP_IF_MATCH")
    if header is None:
        raise PreconditionRequired
    if header.strip() == "*":
        return
    prefix = f'"{row.pk}.{row.version}.'
    if not any(tag.startswith(prefix) for tag in _tags(header)):
        raise PreconditionFailed


def match_if_sent(request: Request, row: Versioned) -> None:
    """Check the version where the caller names one; without If-Match the last writer wins.

    Raises PreconditionFailed.
    """
    if "HTTP_IF_MATCH" in request.META:
        require_match(request, row)


def record_response(
    request: Request,
    row: Versioned,
    represent: Callable[[], Any],
    *,
    form: str = "json",
    status: int = HTTPStatus.OK,
) -> HttpResponseBase:
    """Return the answer for one record with its strong ETag.

    A GET whose If-None-Match names this version gets 304, and `represent` is not even called.
    """
    tag = etag_of(row, form)
    if request.method in ("GET", "HEAD") and _none_match(request, tag):
        return HttpResponseNotModified(headers={"ETag": tag})
    return Response(represent(), status=status, headers={"ETag": tag})


def conditional_list(request: Request, response: HttpResponseBase) -> HttpResponseBase:
    """Give a successful GET answer without a tag a weak ETag, or turn it into 304 where it matches."""
    if (
        not isinstance(response, Response | JsonBytes)
        or request.method not in ("GET", "HEAD")
        or response.status_code != HTTPStatus.OK
        or response.has_header("ETag")
    ):
        return response
    content = response.content if isinstance(response, JsonBytes) else response.render().content
    # A form without an envelope has its neighbours in this header: a page that gets one is another page.
    links = response.get("Link", "").encode()
    tag = f'W/"{hashlib.sha256(links + content).hexdigest()[:32]}"'
    if _none_match(request, tag):
        kept = {name: response[name] for name in ("Vary", "Cache-Control") if response.has_header(name)}
        return HttpResponseNotModified(headers={**kept, "ETag": tag})
    response["ETag"] = tag
    return response


def tags_not_wanted(request: Request) -> list[str]:
    """Return the tags of If-None-Match as strong ones: whoever has one of these wants no body."""
    header = request.headers.get("If-None-Match")
    return [] if header is None else [tag.removeprefix("W/") for tag in _tags(header)]


def matches_anything(request: Request) -> bool:
    """Whether the request wants a body only where there is nothing at all (`If-None-Match: *`)."""
    return str(request.headers.get("If-None-Match", "")).strip() == "*"


def _none_match(request: Request, tag: str) -> bool:
    header = request.META.get("HTTP_IF_NONE_MATCH")
    if header is None:
        return False
    bare = tag.removeprefix("W/")
    return header.strip() == "*" or bare in [found.removeprefix("W/") for found in _tags(header)]


def _tags(header: str) -> list[str]:
    return _TAG.findall(header[:4096])
