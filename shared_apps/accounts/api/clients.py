"""What a request tells of its client."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.request import Request

from saas.core.api.authentication import cookie_name
from saas.core.api.throttling import address_subject
from shared_apps.accounts.api.cookies import DEVICE
from shared_apps.accounts.clients import Client


def client_of(request: HttpRequest | Request, *, keeps_cookies: bool = False) -> Client:
    """The client behind a request, for `services.start_session`.

    `keeps_cookies` is True for a browser that is given its session in cookies.
    """
    device = request.COOKIES.get(cookie_name(DEVICE), "" if keeps_cookies else None)
    return Client(address_subject(request), request.headers.get("User-Agent", ""), device)
