"""The cookie that binds a sign-in to the browser that began it: HttpOnly, host-only, Lax, ten minutes.

Lax, because the provider sends the browser back from another site, by a link that it follows.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from saas.core.api.authentication import cookie_name
from tenant_apps.federation.rules import FLOW_LIFETIME

FLOW = "libraryhub-flow"


def binding_of(request: HttpRequest | Request) -> str | None:
    """What `set_binding` has left in this browser, None where there is nothing."""
    return request.COOKIES.get(cookie_name(FLOW)) or None


def set_binding(response: HttpResponseBase, binding: str) -> None:
    """Make this browser the one that may finish the sign-in; an earlier one is forgotten."""
    _set(response, binding, int(FLOW_LIFETIME.total_seconds()))


def clear_binding(response: HttpResponseBase) -> None:
    """Take it back: the sign-in is finished."""
    _set(response, "", 0)


def _set(response: HttpResponseBase, value: str, max_age: int) -> None:
    response.set_cookie(
        cookie_name(FLOW),
        value,
        max_age=max_age,
        path="/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
