"""Routes found by their first words are the ones that Django's resolver finds."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from django.urls import Resolver404, get_resolver, include, path, re_path

from saas.core import routes
from tests.permissions.inventory import URLCONFS, endpoints

VALUES = {"pk": "1", "id": "1", "code": "MAIN", "slug": "a-b", "name": "x"}


def facts(match: Any) -> Any:
    return match.func, match.args, match.kwargs, match.view_name, match.route, match.namespaces


def found(path: str, urlconf: str) -> Any:
    try:
        return facts(routes.match_of(path, urlconf))
    except Resolver404:
        return None


def found_by_django(path: str, urlconf: str) -> Any:
    try:
        return facts(get_resolver(urlconf).resolve(path))
    except Resolver404:
        return None


@pytest.mark.parametrize("site", URLCONFS)
def test_every_address_leads_where_django_leads(site: str) -> None:
    urlconf = URLCONFS[site]
    resolved = 0
    for endpoint in endpoints():
        if endpoint.site != site:
            continue
        for value in ("1", "MAIN", "a-b", "3f2c8c3e-98a1-4a57-9f0c-1f6f3f6c0c11", "x/y"):
            address = "/".join(value if part.startswith("{") else part for part in endpoint.path.split("/"))
            for asked in (address, address.rstrip("/"), f"{address}more/", f"/{address}"):
                expected = found_by_django(asked, urlconf)
                assert found(asked, urlconf) == expected, asked
                resolved += expected is not None
    assert resolved > 100 if site == "library" else resolved > 50


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "/",
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v1//",
        "//api/v1/me/",
        "/api/v1/me",
        "/api/v1/%2e/",
    ],
)
def test_odd_addresses_too(asked: str) -> None:
    assert found(asked, URLCONFS["library"]) == found_by_django(asked, URLCONFS["library"])


def test_order_parameters_and_expressions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A route that begins with a parameter, or is an expression, comes in its turn."""
    import sys

    def view(_request: Any, **_named: Any) -> None:
        raise AssertionError

    module: Any = ModuleType("tests_routes_in_order")
    module.urlpatterns = [
        path("api/v1/first/", view, name="plain"),
        path("api/<str:version>/second/", view, name="any-version"),
        path(
            "api/v1/",
            include(([path("second/", view, name="late"), path("<str:x>/", view, name="any")], "in")),
        ),
        re_path(r"^api/v1/third/$", view, name="expression"),
        path("<path:everything>", view, {"more": 1}, name="rest"),
        path("api/v1/third/", view, name="never"),
    ]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    names = {
        asked: routes.match_of(asked, module.__name__).view_name
        for asked in (
            "/api/v1/first/",
            "/api/v1/second/",
            "/api/v1/third/",
            "/api/v1/third/more/",
            "/api/v2/first/",
        )
    }
    assert names == {
        "/api/v1/first/": "plain",
        "/api/v1/second/": "any-version",
        "/api/v1/third/": "in:any",
        "/api/v1/third/more/": "rest",
        "/api/v2/first/": "rest",
    }
    for asked in names:
        assert found(asked, module.__name__) == found_by_django(asked, module.__name__)


def test_few_routes_are_tried() -> None:
    """Without the sorting, the last of the routes would come after all others."""

    def tried(route_list: Any) -> int:
        return sum(tried(r.url_patterns) if hasattr(r, "url_patterns") else 1 for r in route_list)

    sorted_out = routes._resolvers(URLCONFS["library"])
    most = max(tried(resolver.url_patterns) for resolver in sorted_out.values())
    assert most < tried(get_resolver(URLCONFS["library"]).url_patterns) / 3
    assert tried(sorted_out["api", "v1", "branches"].url_patterns) < 5
