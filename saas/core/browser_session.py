"""Who is signed in at the pages of a site: a server-side session in the site's own schema, named by a cookie.

The cookie holds a random number and nothing else; its row lies in the schema of the library that made it, so no other
library can know it. The row names the user, the session that accounts can end at any time, and a fingerprint of the
password: a person who is gone or inactive, has another password, or was signed out elsewhere is nobody at the next
request. The API does not read this cookie (saas.core.api.authentication).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import rotate_token
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string

from saas.core import clock
from saas.core.api.authentication import Caller, CallerLoader
from saas.core.jwt import library_name, matches_password, password_fingerprint
from saas.core.logging import bind_log_context
from saas.core.tenancy import current_library_or_none

Answer = Callable[[HttpRequest], HttpResponseBase]
_USER, _SESSION, _PASSWORD, _SITE, _SINCE = "user", "sid", "password", "site", "since"


class BrowserSessionMiddleware:
    """Sets `request.user`, looked up when it is first asked for: a page that asks nobody costs no query."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the session's user, or AnonymousUser."""
        request.user = cast(Any, SimpleLazyObject(lambda: _user(request)))
        return self.get_response(request)


def open_browser_session(request: HttpRequest, *, user: AbstractBaseUser, session: str) -> None:
    """Make this browser the user's; `session` is the id under which accounts can end it.

    Whatever the browser sent before is deleted and a new number drawn, so that nobody can plant one and wait for its
    owner to sign in (ASVS 7.2.4); the CSRF token changes too.
    """
    request.session.flush()
    request.session.update(
        {
            _USER: user.pk,
            _SESSION: session,
            _PASSWORD: password_fingerprint(user.password),
            _SITE: library_name(),
            _SINCE: int(clock.now().timestamp()),
        }
    )
    rotate_token(request)


def close_browser_session(request: HttpRequest) -> str | None:
    """Delete this browser's session and return the id that accounts know it by, None where there was none."""
    session = session_of(request)
    request.session.flush()
    request.user = AnonymousUser()
    return session


def session_of(request: HttpRequest) -> str | None:
    """The id that accounts know this browser's session by, None where there is none."""
    session = request.session.get(_SESSION)
    return session if isinstance(session, str) else None


def _user(request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    caller = _caller(request)
    if caller is None:
        return AnonymousUser()
    if caller.principal is not None:
        # What principal_of would ask for: one query brought it along.
        request._principal = caller.principal  # type: ignore[attr-defined]
    bind_log_context(user=caller.user.pk)
    return caller.user


def _caller(request: HttpRequest) -> Caller | None:
    user_id = request.session.get(_USER)
    if user_id is None:
        return None
    site = "library" if current_library_or_none() else "public"
    load = cast(CallerLoader, import_string(settings.CALLER_LOADERS[site]))
    caller = load(int(user_id), request.session.get(_SESSION)) if _may_hold(request) else None
    if caller is None or not _holds(request, caller):
        request.session.flush()
        return None
    return caller


def _may_hold(request: HttpRequest) -> bool:
    return _is_of_this_site(request) and not _is_too_old(request)


def _is_of_this_site(request: HttpRequest) -> bool:
    """A copied schema carries its sessions along; they count for the library that made them alone."""
    return request.session.get(_SITE) == library_name() and isinstance(request.session.get(_SESSION), str)


def _is_too_old(request: HttpRequest) -> bool:
    """However busy it is (each write puts its row off), a session ends SESSION_COOKIE_AGE seconds after its sign-in."""
    age = clock.now().timestamp() - float(request.session.get(_SINCE, 0))
    return age > settings.SESSION_COOKIE_AGE


def _holds(request: HttpRequest, caller: Caller) -> bool:
    user = caller.user
    return (
        user.is_active
        and caller.session_open
        and matches_password(request.session.get(_PASSWORD), user.password)
    )
