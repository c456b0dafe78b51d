"""Calls a view with a request of our own making: no database, no routes, no middleware."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIRequestFactory

from saas.core.principals import Principal

PRINCIPALS = {
    "librarian": Principal(user_id=7, permissions=frozenset({"loans.lend", "titles.view"})),
    "branch": Principal(user_id=8, branch_permissions={3: frozenset({"loans.lend"})}),
    "reader": Principal(user_id=9, permissions=frozenset({"titles.view"})),
    "": Principal(permissions=frozenset({"titles.view"})),
}


class NameAuthentication(BaseAuthentication):
    """`Authorization: Name librarian` signs that caller in; an unknown name is a wrong credential."""

    def authenticate(self, request: Any) -> Any:
        name = request.headers.get("Authorization", "").removeprefix("Name ")
        if name not in PRINCIPALS:
            raise AuthenticationFailed
        request._request._principal = PRINCIPALS[name]
        if not name:
            return None
        return SimpleNamespace(pk=PRINCIPALS[name].user_id, is_authenticated=True), None

    def authenticate_header(self, request: Any) -> str:
        return 'Name realm="tests"'


@pytest.fixture(autouse=True)
def _no_rows_of_events(settings: Any) -> None:
    """There is no database to keep what is refused here."""
    settings.SECURITY_RECORDER = None


@pytest.fixture
def authentication() -> type[BaseAuthentication]:
    """The authentication class that the test views use."""
    return NameAuthentication


@pytest.fixture
def call(authentication: type[BaseAuthentication]) -> Callable[..., Any]:
    """Send one request to a view class and return its rendered answer.

    `by` names the caller, `actions` the method map of a view set, `body` the JSON body; other keyword
    arguments are those of the path.
    """
    factory = APIRequestFactory()

    def send(
        view: type[Any],
        method: str = "get",
        address: str = "/api/v1/things/",
        *,
        by: str = "",
        body: Any = None,
        headers: dict[str, str] | None = None,
        actions: dict[str, str] | None = None,
        detail: bool = False,
        **path_arguments: Any,
    ) -> Any:
        sent = {"Authorization": f"Name {by}", **(headers or {})}
        if isinstance(body, bytes):
            kind = sent.pop("Content-Type", "application/json")
            request = factory.generic(method.upper(), address, body, content_type=kind, headers=sent)
        else:
            request = getattr(factory, method)(address, body, headers=sent)
        made = type(view.__name__, (view,), {"authentication_classes": [authentication]})
        handler = made.as_view(actions, detail=detail) if actions else made.as_view()
        response = handler(request, **path_arguments)
        return response.render() if hasattr(response, "render") else response

    return send
