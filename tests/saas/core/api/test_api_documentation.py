"""The document and its two viewers: made once, local files, nothing inline."""

import json
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import RequestFactory
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from saas.core.api import documentation
from saas.core.api.documentation import DocumentView, documentation_urls
from saas.core.api.openapi import ProblemAwareSchema
from saas.core.api.problems import problem_urls
from saas.core.api.views import ApiView

OAS = "application/vnd.oai.openapi+json"


def site(name: str) -> ModuleType:
    """A module of routes with one endpoint of that name."""

    class Only(ApiView):
        schema = ProblemAwareSchema()
        permissions = {"GET": None}

        @extend_schema(operation_id=name, responses={200: dict})
        def get(self, request: Any) -> Response:
            return Response({})

    module = ModuleType(f"urls_{name}")
    routes = [path(f"api/v1/{name}/", Only.as_view()), *documentation_urls("unused"), *problem_urls]
    module.urlpatterns = routes  # type: ignore[attr-defined]
    return module


@pytest.fixture(autouse=True)
def nothing_made_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DocumentView, "_made", {})


@pytest.fixture
def views() -> dict[str, Any]:
    """The three views of one site, by route name."""
    return {url.name: url.callback for url in documentation_urls(site("books"), title="Riverside")}  # type: ignore[arg-type, misc]


@pytest.fixture
def get(rf: RequestFactory, views: dict[str, Any]) -> Callable[..., Any]:
    def send(name: str, address: str = "/api/docs/", **headers: str) -> Any:
        response = views[name](rf.get(address, headers=headers))
        return response.render() if hasattr(response, "render") else response

    return send


Get = Callable[..., Any]


def test_the_document_of_a_site(get: Get) -> None:
    response = get("schema", "/api/schema/", accept=OAS)
    made = json.loads(response.content)
    assert response["Content-Type"].startswith(OAS)
    assert made["info"]["title"] == "Riverside"
    assert list(made["paths"]) == ["/api/v1/books/"]


def test_yaml_by_default(get: Get) -> None:
    response = get("schema", "/api/schema/", accept="*/*")
    assert response["Content-Type"].startswith("application/vnd.oai.openapi;")
    assert response.content.startswith(b"openapi: 3.")


def test_each_site_has_its_own(get: Get, rf: RequestFactory) -> None:
    other = documentation_urls(site("plans"), title="Public")[0].callback  # type: ignore[arg-type]
    one = json.loads(get("schema", "/api/schema/", accept=OAS).content)
    two = json.loads(other(rf.get("/api/schema/", headers={"accept": OAS})).content)
    assert (list(one["paths"]), list(two["paths"])) == (["/api/v1/books/"], ["/api/v1/plans/"])
    assert (one["info"]["title"], two["info"]["title"]) == ("Riverside", "Public")


def test_it_is_generated_once(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    real = DocumentView._get_schema_response

    def counted(self: Any, request: Any) -> Any:
        made.append(1)
        return real(self, request)

    monkeypatch.setattr(DocumentView, "_get_schema_response", counted)
    first = get("schema", "/api/schema/?lang=it&version=9", accept=OAS).content
    assert "9" not in json.loads(first)["info"]["version"]  # the first caller cannot choose for the others
    assert get("schema", "/api/schema/", accept=OAS).content == first
    assert len(made) == 1
    get("schema", "/api/schema/")  # YAML is another form
    assert len(made) == 2


def test_an_unchanged_document_is_304(get: Get) -> None:
    tag = get("schema", "/api/schema/", accept=OAS)["ETag"]
    again = get("schema", "/api/schema/", accept=OAS, **{"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["api-docs", "api-redoc"])
def test_the_viewers_need_nothing_inline_and_nothing_foreign(get: Get, name: str) -> None:
    page = get(name).content.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert "<style" not in page
    assert " style=" not in page
    assert not re.search(r"\bon\w+=", page)
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert addresses
    assert all(address.startswith("/") and not address.startswith("//") for address in addresses)


@pytest.mark.parametrize("name", ["api-docs", "api-redoc"])
def test_the_files_of_the_viewers_exist(get: Get, name: str, settings: Any) -> None:
    page = get(name).content.decode()
    static = [a for a in re.findall(r'(?:src|href)="([^"]+)"', page) if a.startswith(settings.STATIC_URL)]
    assert len(static) >= 2
    assert [a for a in static if finders.find(a.removeprefix(settings.STATIC_URL)) is None] == []


@pytest.mark.parametrize("name", ["api-docs", "api-redoc"])
def test_the_policy_of_the_viewers_allows_no_inline_script(get: Get, name: str) -> None:
    policy = get(name)._csp_replace
    assert policy["script-src"] == ["'self'"]
    assert policy["object-src"] == ["'none'"]
    assert not any(source.startswith("http") for sources in policy.values() for source in sources)


def test_the_viewers_load_the_document_of_their_site(get: Get) -> None:
    assert f'spec-url="{documentation.SCHEMA_PATH}"' in get("api-redoc").content.decode()
    script = get("api-docs", "/api/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert documentation.SCHEMA_PATH in script.content.decode()


def test_a_caller_cannot_write_into_the_start_up_script(get: Get) -> None:
    script = get("api-docs", "/api/docs/?script=&lang=%22;alert(1)//&version=%3C/script%3E").content.decode()
    assert '";alert(1)' not in script
    assert "</script>" not in script


@pytest.fixture
def counted(settings: Any) -> None:
    settings.RATE_LIMITS_ENABLED = True


def test_the_documents_are_limited_like_the_rest(get: Get, counted: None) -> None:
    for name in ("schema", "api-docs", "api-redoc"):
        assert get(name).has_header("RateLimit-Policy")
