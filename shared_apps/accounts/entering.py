"""Handing a new session over to whoever has signed in; for apps that sign people in by ways of their own."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core.browser_session import open_browser_session
from saas.core.pages import see_other
from saas.core.principals import principal_of
from shared_apps.accounts.api import cookies
from shared_apps.accounts.api.clients import client_of
from shared_apps.accounts.api.serializers import SessionSerializer
from shared_apps.accounts.api.views import session_response
from shared_apps.accounts.pages import end_sessions_of_browser
from shared_apps.accounts.services import SignedIn

__all__ = ["SessionSerializer", "client_of", "entered_by_api", "entered_by_browser"]


def entered_by_api(request: Request, signed_in: SignedIn, *, by_cookie: bool) -> Response:
    """The answer of a sign-in: the tokens, or the cookies that carry them."""
    response = session_response(request, signed_in.user, signed_in.tokens, by_cookie=by_cookie)
    if by_cookie:
        cookies.set_device(response, signed_in.device)
    return response


def entered_by_browser(
    request: HttpRequest, signed_in: SignedIn, *, back: str | None, as_page: bool
) -> HttpResponse:
    """Sign in the browser that follows a link, and lead it on to `back`, a path of this site.

    `as_page`: with a session of our pages; else with the cookies of the API. One browser, one person: whoever was
    signed in here before is signed out, by both ways.
    """
    end_sessions_of_browser(request, by=principal_of(request).actor)
    response = see_other(back or settings.LOGIN_REDIRECT_URL)
    if as_page:
        open_browser_session(request, user=signed_in.user, session=signed_in.tokens.session)
        cookies.clear_session(response)
    else:
        cookies.set_session(response, signed_in.tokens)
    cookies.set_device(response, signed_in.device)
    return response
