"""Which chain a request takes, behind each kind of server."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings

from saas.core.chains import ApiChain

pytestmark = pytest.mark.django_db


class Marking:
    """A middleware of the API's chain that says that it was there."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        answer = self.get_response(request)
        answer["X-Light"] = "yes"
        return answer

    def process_view(self, request: HttpRequest, callback: Any, args: Any, kwargs: Any) -> None:
        request.META["seen"] = request.META.get("seen", 0) + 1


@pytest.fixture(autouse=True)
def _marked(settings: Any) -> None:
    settings.API_MIDDLEWARE = [f"{__name__}.Marking", *settings.API_MIDDLEWARE]


def by_wsgi(path: str) -> dict[str, str]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "HTTP_HOST": "north.localhost",
        "SERVER_NAME": "x",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
    }
    headers: list[tuple[str, str]] = []
    answer: Any = WSGIHandler()(environ, lambda _status, sent, _error=None: headers.extend(sent))
    list(answer)
    return dict(headers)


def by_asgi(path: str) -> Any:
    return asyncio.run(AsyncClient().get(path, headers={"host": "north.localhost"})).headers


def by_test_client(path: str) -> Any:
    return Client(HTTP_HOST="north.localhost").get(path).headers


@pytest.mark.parametrize("server", [by_test_client, by_wsgi])
def test_the_api_takes_the_light_chain_and_the_rest_the_full_one(north: Any, server: Any) -> None:
    for path in ("/api/v1/branches/", "/api/v1/nothing/", "/api/v9/"):
        assert server(path).get("X-Light") == "yes", path
    for path in (
        "/sign-in/",
        "/api/docs/",
        "/api/problems/not_found/",
        "/health/live/",
        "/nothing/",
        "//api/v1/",
    ):
        assert server(path).get("X-Light") is None, path


def test_behind_asgi_too() -> None:
    """In another thread, which no transaction of a test reaches: an unknown host needs no row."""
    assert by_asgi("/api/v1/branches/").get("X-Light") == "yes"
    assert by_asgi("/sign-in/").get("X-Light") is None


def test_hooks_of_the_api_middleware_are_called_once_for_the_api_alone(north: Any) -> None:
    client = Client(HTTP_HOST="north.localhost")
    assert client.get("/api/v1/branches/").wsgi_request.META["seen"] == 1
    assert "seen" not in client.get("/sign-in/").wsgi_request.META


def test_an_exception_of_a_middleware_passes_the_ones_around_it(north: Any, monkeypatch: Any) -> None:
    def fail(_host: str) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("saas.core.tenancy.middleware.library_for_host", fail)
    client = Client(HTTP_HOST="north.localhost", raise_request_exception=False)
    answer = client.get("/api/v1/branches/")
    assert (answer.status_code, answer["X-Light"], answer["X-Frame-Options"]) == (500, "yes", "DENY")
    assert answer.json()["code"] == "internal_error"
    assert answer["X-Request-ID"]


def test_without_paths_everything_takes_the_full_chain() -> None:
    with override_settings(API_PATHS=()):
        chain = ApiChain(lambda _request: HttpResponse("full"))
    request = HttpRequest()
    request.path_info = "/api/v1/branches/"
    assert chain(request).content == b"full"


def test_a_way_that_ends_at_a_page_takes_the_full_chain() -> None:
    """The answer of an identity provider signs in to the pages, by their session."""
    chain = ApiChain(lambda _request: HttpResponse("full"))
    request = HttpRequest()
    request.path_info = "/api/v1/auth/social/school/callback/"
    assert chain(request).content == b"full"
