"""The base of pages that belong to somebody: declared permissions as in the API, refusals as pages.

A page translates between a browser and one service; it decides nothing. Every POST that did something answers by a
redirect, so that a reload repeats nothing; a form that was refused is shown again with what was typed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from rest_framework.request import Request

from saas.core.api.failures import as_domain_error
from saas.core.api.pagination import KeysetPagination
from saas.core.api.problems import problem_response
from saas.core.errors import PermissionDenied
from saas.core.principals import Principal, principal_of

logger = logging.getLogger(__name__)
NEXT = "next"
MAX_PATH = 2000


class Page(View):
    """A page of a library.

    `permissions`: method (`"GET"`, which HEAD shares) to the name of a permission; None lets everybody in, signed in
    or not; what is missing is refused. A permission held for one branch alone opens the page; what it writes must ask
    for that branch.
    """

    permissions: ClassVar[Mapping[str, str | None]] = {}
    members_only: ClassVar[bool] = False

    @property
    def principal(self) -> Principal:
        """Who looks at the page, with their permissions in this library; loaded once per request."""
        return principal_of(self.request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Check the declared permission, then answer; a refusal of a service becomes a page.

        Who has not signed in is sent to do so and comes back to the page, though never to a POST; who must have a
        second factor first, to where one is set up.
        """
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method.lower() not in self.http_method_names or not hasattr(self, method.lower()):
            return self.http_method_not_allowed(request, *args, **kwargs)
        try:
            if not self._may(method):
                if self.principal.lacks_factor:
                    return see_other(settings.ENROLMENT_URL)
                if self.principal.is_authenticated:
                    raise PermissionDenied
                return see_other(sign_in_address(request))
            return super().dispatch(request, *args, **kwargs)
        except Exception as exception:
            error = as_domain_error(exception)
            if error is None:
                raise
            return problem_response(error, request)

    def _may(self, method: str) -> bool:
        if method == "OPTIONS":
            return True
        if method not in self.permissions:
            logger.error("no permission is declared for %s of %s", method, type(self).__qualname__)
            raise PermissionDenied
        permission = self.permissions[method]
        if permission is None:
            return not self.members_only or self.principal.is_authenticated
        return self.principal.may_anywhere(permission)


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list, with the addresses of its neighbours ("" at either end)."""

    rows: list[Any]
    previous: str
    next: str


def listed(request: HttpRequest, rows: QuerySet[Any], *, ordering: str, size: int) -> Listed:
    """The rows that the address asks for, by position as in the API. Raises InvalidCursor."""
    pages = _Pages(size)
    found = pages.paginate_queryset(rows, Request(request), SimpleNamespace(default_ordering=ordering))
    answer = pages.get_paginated_response(None).data
    return Listed(found, answer["previous"] or "", answer["next"] or "")


class _Pages(KeysetPagination):
    """Pages whose size and order the page alone decides."""

    def __init__(self, size: int) -> None:
        self._size = size

    def page_size_of(self, request: Request) -> int:
        """Return the page's own size."""
        return self._size


def see_other(address: str) -> HttpResponseRedirect:
    """Answer a POST (or a page that has moved) with the address to look at next."""
    return HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)


def sign_in_address(request: HttpRequest) -> str:
    """Address of the sign-in page that leads back to where the reader was."""
    back = request.get_full_path() if request.method in {"GET", "HEAD"} else request.path
    return f"{settings.LOGIN_URL}?{urlencode({NEXT: back})}" if own_path(back) else settings.LOGIN_URL


def own_path(address: str | None) -> str | None:
    """The address if it is a path of this very site, else None: a link must not lead a person elsewhere (CWE-601)."""
    if not address or len(address) > MAX_PATH or not address.startswith("/"):
        return None
    # With no host allowed, a path alone is left: //host, /\host and what browsers read as such are refused.
    if not url_has_allowed_host_and_scheme(address, allowed_hosts=None):
        return None
    is_of_signing = address.split("?")[0] in {settings.LOGIN_URL, settings.LOGOUT_URL}
    return None if is_of_signing else address
