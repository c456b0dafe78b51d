"""The cookies of a signed-in browser: HttpOnly, host-only, Lax, and Secure wherever the site is."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.http.response import HttpResponseBase
from rest_framework_simplejwt.settings import api_settings

from saas.core.api.authentication import ACCESS, REFRESH, cookie_name
from shared_apps.accounts.services import SessionTokens
from shared_apps.accounts.services.attempts import DEVICE_MAX_AGE

DEVICE = "libraryhub-device"


def set_session(response: HttpResponseBase, tokens: SessionTokens) -> None:
    """Give the browser both tokens; no script can read them."""
    _set(response, ACCESS, tokens.access, api_settings.ACCESS_TOKEN_LIFETIME)
    _set(response, REFRESH, tokens.refresh, api_settings.REFRESH_TOKEN_LIFETIME)


def set_device(response: HttpResponseBase, device: str) -> None:
    """Remember that this browser has signed in once (services.attempts)."""
    _set(response, DEVICE, device, timedelta(seconds=DEVICE_MAX_AGE))


def clear_session(response: HttpResponseBase) -> None:
    """Take both tokens back."""
    for name in (ACCESS, REFRESH):
        response.set_cookie(
            cookie_name(name),
            "",
            max_age=0,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def _set(response: HttpResponseBase, name: str, value: str, lifetime: timedelta) -> None:
    # The path is "/" for all: `__Host-` asks for it, and keeps sibling hosts from planting a cookie.
    response.set_cookie(
        cookie_name(name),
        value,
        max_age=int(lifetime.total_seconds()),
        path="/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
