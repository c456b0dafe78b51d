"""A second version lives beside the first: addresses, serializers and documents of its own, the same rules."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from saas.core.api.versions import versions_of
from tests.contract.documents import SITES
from tests.permissions.scenes import Scenes

pytestmark = pytest.mark.django_db
DOCUMENT = {"accept": "application/vnd.oai.openapi+json"}


@pytest.fixture
def second(settings: Any) -> None:
    """Libraries have v2 too."""
    settings.LIBRARY_URLCONF = "tests.contract.second_version"


@pytest.fixture
def address(scenes: Scenes) -> str:
    return f"titles/{scenes.north.title.pk}/availability/"


def test_released_sites_have_one_version() -> None:
    assert {urlconf: versions_of(urlconf) for urlconf in SITES.values()} == {
        "saas.urls_library": ("v1",),
        "saas.urls_public": ("v1",),
    }
    assert versions_of("tests.contract.second_version") == ("v1", "v2")


@pytest.mark.usefixtures("second")
def test_both_versions_answer_from_the_same_rows(scenes: Scenes, address: str) -> None:
    client = scenes.client(scenes.north, "anonymous")
    first, second = (client.get(f"/api/{version}/{address}") for version in ("v1", "v2"))
    assert (first.status_code, second.status_code) == (200, 200)
    places = first.json()["branches"]
    assert places != []
    assert second.json() == {
        "title": first.json()["title"],
        "branches": [
            {
                "branch": place["branch"],
                "copies_total": place["copies"],
                "copies_available": place["available"],
            }
            for place in places
        ],
    }


@pytest.mark.usefixtures("second")
def test_what_went_with_the_first_version_is_announced_there_alone(scenes: Scenes, address: str) -> None:
    client = scenes.client(scenes.north, "anonymous")
    assert "Deprecation" in client.get(f"/api/v1/{address}")
    assert "Deprecation" not in client.get(f"/api/v2/{address}")


@pytest.mark.usefixtures("second")
def test_the_second_version_has_limits_parameters_and_problems_like_the_first(
    scenes: Scenes, address: str, settings: Any
) -> None:
    settings.RATE_LIMITS_ENABLED = True
    client = scenes.client(scenes.north, "anonymous")
    answer = client.get(f"/api/v2/{address}")
    assert "q=" in answer["RateLimit-Policy"]
    assert answer["ETag"].startswith('W/"')
    refused = client.get(f"/api/v2/{address}?fiels=x")
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_parameter")
    assert (
        client.get(f"/api/v2/{address}", headers={"accept": "image/png"}).json()["code"] == "not_acceptable"
    )
    missing = client.get("/api/v2/titles/4611686018427387904/availability/")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert client.post(f"/api/v2/{address}").status_code == 405


@pytest.mark.usefixtures("second")
def test_a_token_of_another_library_is_refused_there_too(scenes: Scenes, address: str) -> None:
    stranger = scenes.client(scenes.south, "admin")
    for version in ("v1", "v2"):
        own = stranger.get(
            f"/api/{version}/{address}".replace(str(scenes.north.title.pk), str(scenes.south.title.pk))
        )
        assert own.status_code == 200
        answer = stranger.get(f"/api/{version}/{address}", HTTP_HOST="north.localhost")
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


@pytest.mark.usefixtures("second")
def test_what_the_second_version_does_not_have_is_just_not_there(scenes: Scenes) -> None:
    client = scenes.client(scenes.north, "anonymous")
    assert client.get("/api/v1/titles/").status_code == 200
    answer = client.get("/api/v2/titles/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "versions" not in answer.json()


@pytest.mark.parametrize("host", ["north.localhost", "localhost"])
@pytest.mark.parametrize(
    "path", ["/api/v2/titles/", "/api/v0/", "/api/v10/x/", "/api/v2", "/api/v1.1/titles/", "/api/v999999/"]
)
def test_an_unknown_version_is_named_with_those_that_there_are(north: Any, host: str, path: str) -> None:
    answer = Client(HTTP_HOST=host).get(path)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["versions"]) == ("unknown_version", ["v1"])


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing/", "/api/", "/api/titles/", "/api/vx/", "/api/v/", "/api/v2x/", "/api/v\u0662/"]
)
def test_anything_else_is_just_not_there(north: Any, path: str) -> None:
    answer = Client(HTTP_HOST="north.localhost").get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "versions" not in answer.json()


@pytest.mark.usefixtures("second")
def test_each_version_has_its_own_document(north: Any) -> None:
    client = Client(HTTP_HOST="north.localhost")
    first = client.get("/api/schema/", headers=DOCUMENT).json()
    second = client.get("/api/schema/v2/", headers=DOCUMENT).json()
    assert list(second["paths"]) == ["/api/v2/titles/{id}/availability/"]
    assert second["info"]["version"] == "2.0.0"
    assert first["info"]["version"] == "1.0.0"
    assert len(first["paths"]) > 50
    assert all(path.startswith("/api/v1/") for path in first["paths"])
    assert set(second["components"]["schemas"]["Place"]["properties"]) == {
        "branch",
        "copies_total",
        "copies_available",
    }
    assert "deprecated" not in str(second["components"]["schemas"])
    assert '"/api/schema/v2/"' in client.get("/api/docs/v2/?script=").content.decode()
    assert "/api/schema/v2/" in client.get("/api/redoc/v2/").content.decode()


def test_a_released_site_has_no_document_of_another_version(north: Any) -> None:
    assert Client(HTTP_HOST="north.localhost").get("/api/schema/v2/").status_code == 404
