"""What `?fields=`, entity tags, pages and errors of compiled reads look like over HTTP, shown with branches."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from saas.core.tenancy import in_library
from tenant_apps.branches.models import Branch
from tests.factories import BranchFactory

LIST = "/api/v1/branches/"


@pytest.fixture
def client(api: Any, north: Any) -> APIClient:
    """A reader of north, where there are five branches and more."""
    with in_library(north):
        for number in range(5):
            BranchFactory.create(code=f"a{number}", name=f"É {number}")
    made: APIClient = api(north, "reader")
    return made


def codes(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["code"] for row in answer.json()["results"]]


def test_a_page_is_one_statement_and_needs_no_renderer(client: APIClient) -> None:
    client.get(LIST)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(LIST)
    assert [query["sql"] for query in queries if "branches_branch" in query["sql"]] == [queries[-1]["sql"]]
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["results"][0] == {
        "id": answer.json()["results"][0]["id"],
        "code": "a0",
        "name": "É 0",
        "time_zone": "Europe/Rome",
    }


def test_pages_forth_and_back(client: APIClient) -> None:
    first = client.get(LIST, {"page_size": "2"})
    assert codes(first) == ["a0", "a1"]
    assert first.json()["previous"] is None
    second = client.get(first.json()["next"])
    assert codes(second) == ["a2", "a3"]
    assert codes(client.get(second.json()["previous"])) == ["a0", "a1"]


def test_pages_are_stable_while_rows_come_and_go(client: APIClient, north: Any) -> None:
    first = client.get(LIST, {"page_size": "2"})
    with in_library(north):
        BranchFactory.create(code="a00")
        BranchFactory.create(code="a11")
        Branch.objects.filter(code__in=["a1", "a2"]).delete()
    second = client.get(first.json()["next"])
    assert codes(second) == ["a11", "a3"]
    assert codes(client.get(second.json()["previous"])) == ["a0", "a00"]


def test_the_way_back_from_nothing(client: APIClient, north: Any) -> None:
    first = client.get(LIST, {"page_size": "2", "ordering": "-code"})
    kept = codes(first)
    with in_library(north):
        Branch.objects.exclude(code__in=kept).delete()
    empty = client.get(first.json()["next"])
    assert codes(empty) == []
    assert codes(client.get(empty.json()["previous"])) == kept


@pytest.mark.parametrize("change", ["tampered", "another ordering", "another library", "another form"])
def test_a_cursor_is_good_for_its_own_list_alone(
    client: APIClient, api: Any, south: Any, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = client.get(LIST, {"page_size": "2"}).json()["next"]
    assert client.get(address).status_code == 200
    if change == "tampered":
        address = address.replace("cursor=", "cursor=x")
    elif change == "another ordering":
        address += "&ordering=-code"
    elif change == "another library":
        client, address = api(south, "reader"), address.partition("localhost")[2]
        address = address[address.index("/api") :]
    else:
        monkeypatch.setattr("saas.core.api.cursors.CURSOR_FORMAT", 0)
    answer = client.get(address)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


def test_fields_are_chosen(client: APIClient) -> None:
    answer = client.get(LIST, {"fields": "name,code", "page_size": "1"})
    assert answer.json()["results"] == [{"code": "a0", "name": "É 0"}]
    again = client.get(client.get(LIST, {"fields": "code", "page_size": "1"}).json()["next"])
    assert again.json()["results"] == [{"code": "a1"}]


def test_fields_that_are_not_chosen_are_not_computed(client: APIClient) -> None:
    client.get(LIST, {"fields": "code"})
    with CaptureQueriesContext(connection) as queries:
        client.get(LIST, {"fields": "code"})
    assert "time_zone" not in queries[-1]["sql"]


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ("code,nam", 'Unknown field "nam". Did you mean "name"?'),
        (",code", 'Unknown field "".'),
        ("version", 'Unknown field "version".'),
        ("code.name", 'Unknown field "code.name".'),
    ],
)
def test_unknown_fields_are_named(client: APIClient, fields: str, detail: str) -> None:
    answer = client.get(LIST, {"fields": fields})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert answer.json()["errors"][0]["field"] == "fields"
    assert answer.json()["detail"].startswith(detail)


def test_expand_is_unknown_where_nothing_can_be_expanded(client: APIClient) -> None:
    assert client.get(LIST, {"expand": "code"}).json()["code"] == "unknown_parameter"


def test_a_record_and_its_tag(client: APIClient, north: Any) -> None:
    with in_library(north):
        branch = Branch.objects.get(code="a0")
    address = f"{LIST}{branch.pk}/"
    answer = client.get(address)
    assert answer["ETag"] == f'"{branch.pk}.{branch.version}.json"'
    assert answer.json() == {"id": str(branch.pk), "code": "a0", "name": "É 0", "time_zone": "Europe/Rome"}
    for tag in (answer["ETag"], f'"x", W/{answer["ETag"]}', "*"):
        unchanged = client.get(address, HTTP_IF_NONE_MATCH=tag)
        assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", answer["ETag"])
    assert client.get(address, HTTP_IF_NONE_MATCH='"x"').json() == answer.json()


def test_another_selection_has_another_tag(client: APIClient, north: Any) -> None:
    with in_library(north):
        address = f"{LIST}{Branch.objects.get(code='a0').pk}/"
    whole, chosen = client.get(address), client.get(address, {"fields": "code"})
    assert chosen.json() == {"code": "a0"}
    assert whole["ETag"] != chosen["ETag"]
    assert client.get(address, {"fields": "code"}, HTTP_IF_NONE_MATCH=whole["ETag"]).status_code == 200


@pytest.mark.parametrize("name", ["0", "-1", "x", "9" * 19, "9223372036854775807", "1%00", "1 OR 1=1"])
def test_what_cannot_be_an_id_is_not_found(client: APIClient, name: str) -> None:
    answer = client.get(f"{LIST}{name}/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_list_has_a_weak_tag_as_everywhere(client: APIClient) -> None:
    answer = client.get(LIST)
    assert answer["ETag"].startswith('W/"')
    assert answer["Cache-Control"] == "no-store"
    assert client.get(LIST, HTTP_IF_NONE_MATCH=answer["ETag"]).status_code == 304
    assert client.head(LIST).status_code == 200
    assert client.get(LIST, HTTP_ACCEPT="image/png").status_code == 406


@pytest.mark.parametrize("size", ["0", "101", "-1", "x", "1.5"])
def test_page_sizes_out_of_range(client: APIClient, size: str) -> None:
    assert client.get(LIST, {"page_size": size}).json()["code"] == "invalid_parameter"


def test_the_document_names_the_fields_that_can_be_chosen(north: Any) -> None:
    with in_library(north):
        document: Any = SchemaGenerator(urlconf="saas.urls_library").get_schema(None, public=True)
    operation = document["paths"]["/api/v1/titles/"]["get"]
    (fields,) = [one for one in operation["parameters"] if one["name"] == "fields"]
    assert (fields["style"], fields["explode"]) == ("form", False)
    assert fields["schema"]["items"]["enum"][:3] == ["id", "title", "subtitle"]
    one = (
        document["paths"]["/api/v1/titles/{id}/"]["get"]
        if "/api/v1/titles/{id}/" in document["paths"]
        else None
    )
    one = one or document["paths"]["/api/v1/titles/{pk}/"]["get"]
    (fields,) = [given for given in one["parameters"] if given["name"] == "fields"]
    assert "contributors.name" in fields["schema"]["items"]["enum"]
