"""The settings over HTTP: typed, versioned, and for those who may."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core.tenancy import in_library
from tenant_apps.preferences import selectors
from tenant_apps.preferences.registry import REGISTRY

pytestmark = pytest.mark.django_db
SETTINGS = "/api/v1/settings/"


def stored(library: Any) -> tuple[dict[str, Any], int]:
    with in_library(library):
        return selectors.all_values(), selectors.current().version


@pytest.fixture
def admin(api: Any, north: Any) -> Any:
    return api(north, "admin")


def patch(client: Any, body: Any, tag: str | None = None) -> Any:
    headers = {} if tag is None else {"HTTP_IF_MATCH": tag}
    return client.patch(SETTINGS, body, format="json", **headers)


def test_every_setting_is_shown_with_its_type(admin: Any) -> None:
    answer = admin.get(SETTINGS).json()
    assert set(answer) == set(REGISTRY.settings)
    assert answer["name"] == "North Library"
    assert answer["guests_may_search"] is True
    assert (answer["time_zone"], answer["currency"], answer["country"]) == ("Europe/Rome", "EUR", "IT")


def test_a_change_answers_with_everything_and_a_new_tag(admin: Any) -> None:
    first = admin.get(SETTINGS)
    changed = patch(admin, {"currency": "CHF", "guests_may_search": False}, first.headers["ETag"])
    assert changed.status_code == 200
    assert changed.json() == {**first.json(), "currency": "CHF", "guests_may_search": False}
    assert changed.headers["ETag"] != first.headers["ETag"]
    again = admin.get(SETTINGS)
    assert (again.json(), again.headers["ETag"]) == (changed.json(), changed.headers["ETag"])


def test_what_was_not_changed_costs_no_body(admin: Any) -> None:
    tag = admin.get(SETTINGS).headers["ETag"]
    assert admin.get(SETTINGS, HTTP_IF_NONE_MATCH=tag).status_code == 304
    patch(admin, {"currency": "CHF"}, tag)
    assert admin.get(SETTINGS, HTTP_IF_NONE_MATCH=tag).status_code == 200


def test_of_two_editors_with_one_tag_the_second_is_told(api: Any, north: Any) -> None:
    one, two = api(north, "admin"), api(north, "admin")
    tag = one.get(SETTINGS).headers["ETag"]
    assert two.get(SETTINGS).headers["ETag"] == tag
    assert patch(one, {"currency": "CHF"}, tag).status_code == 200
    late = patch(two, {"currency": "GBP"}, tag)
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert stored(north)[0]["currency"] == "CHF"
    assert patch(two, {"currency": "GBP"}, two.get(SETTINGS).headers["ETag"]).status_code == 200


def test_a_change_without_a_tag_is_refused(admin: Any, north: Any) -> None:
    before = stored(north)
    response = patch(admin, {"currency": "CHF"})
    assert (response.status_code, response.json()["code"]) == (428, "precondition_required")
    assert stored(north) == before


@pytest.mark.parametrize("tag", ['"1.999.json"', '"nonsense"', "nonsense", ""])
def test_a_wrong_tag_is_refused(admin: Any, north: Any, tag: str) -> None:
    before = stored(north)
    assert patch(admin, {"currency": "CHF"}, tag).status_code == 412
    assert stored(north) == before


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"currency": "EURO"}, "currency", "invalid_choice"),
        ({"language": "tlh"}, "language", "invalid_choice"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "unknown_time_zone"),
        ({"country": "XX"}, "country", "unknown_country"),
        ({"guests_may_search": "yes"}, "guests_may_search", "invalid"),
        ({"guests_may_search": 1}, "guests_may_search", "invalid"),
        ({"guests_may_search": None}, "guests_may_search", "null"),
        ({"name": ""}, "name", "blank"),
        ({"name": "x" * 201}, "name", "max_length"),
        ({"name": 5}, "name", "invalid"),
        ({"contact_email": "nobody"}, "contact_email", "invalid_email"),
        ({"id": 2}, "id", "unknown_field"),
        ({"version": 9}, "version", "unknown_field"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_stored(
    admin: Any, north: Any, body: dict[str, Any], field: str, code: str
) -> None:
    before = stored(north)
    response = patch(admin, {"country": "DE", **body}, admin.get(SETTINGS).headers["ETag"])
    assert response.status_code == 400
    assert (field, code) in [(error["field"], error["code"]) for error in response.json()["errors"]]
    assert stored(north) == before


def test_an_unknown_setting_answers_with_the_nearest_name(admin: Any, north: Any) -> None:
    response = patch(admin, {"guest_may_search": False}, admin.get(SETTINGS).headers["ETag"])
    assert (response.status_code, response.json()["code"]) == (400, "unknown_field")
    assert "guests_may_search" in response.json()["detail"]
    assert stored(north)[0]["guests_may_search"] is True


def test_who_may_see_and_who_may_change(api: Any, north: Any) -> None:
    before = stored(north)
    tag = api(north, "admin").get(SETTINGS).headers["ETag"]
    for role, seen, changed in (("librarian", 200, 403), ("reader", 403, 403), (None, 401, 401)):
        client = api(north, role)
        assert client.get(SETTINGS).status_code == seen
        assert patch(client, {"country": "DE"}, tag).status_code == changed
    assert stored(north) == before
    assert patch(api(north, "admin"), {"country": "DE"}, tag).status_code == 200


def test_a_change_here_is_no_change_there(api: Any, north: Any, south: Any) -> None:
    before = stored(south)
    admin = api(north, "admin")
    assert patch(admin, {"name": "Only North"}, admin.get(SETTINGS).headers["ETag"]).status_code == 200
    assert stored(south) == before
    assert api(south, "admin").get(SETTINGS).json()["name"] == "South Library"


def test_closing_the_catalogue_to_guests_works_at_once(api: Any, north: Any) -> None:
    branches = "/api/v1/branches/"
    admin, guest = api(north, "admin"), api(north)
    assert guest.get(branches).status_code == 200
    patch(admin, {"guests_may_search": False}, admin.get(SETTINGS).headers["ETag"])
    assert guest.get(branches).status_code == 401
    assert api(north, "reader").get(branches).status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_there_is_no_other_method(admin: Any, method: str) -> None:
    assert getattr(admin, method)(SETTINGS, {}, format="json").status_code == 405


def test_the_document_names_every_setting_with_its_type(admin: Any) -> None:
    from drf_spectacular.generators import SchemaGenerator

    schema = SchemaGenerator(urlconf="saas.urls_library").get_schema(public=True)
    answer = schema["components"]["schemas"]["Settings"]["properties"]
    assert set(answer) == set(REGISTRY.settings)
    assert answer["guests_may_search"]["type"] == "boolean"
    assert "EUR" in str(schema["components"]["schemas"])
    body = schema["paths"][SETTINGS]["patch"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["$ref"].endswith("/PatchedSettingsRequest")
