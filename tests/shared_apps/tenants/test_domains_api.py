"""/api/v1/domains/: a library's domains, for its admins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared_apps.tenants.models import Domain
from tests.written_records import WrittenRecords

URL = "/api/v1/domains/"
Api = Callable[..., Any]


@pytest.fixture(autouse=True)
def _no_records() -> Iterator[None]:
    WrittenRecords.records.clear()
    yield
    WrittenRecords.records.clear()


def test_from_adding_to_removing(north: Any, api: Api) -> None:
    client = api(north, "admin")
    made = client.post(URL, {"domain": "Bücher.example.org"}, format="json")
    assert made.status_code == 201
    body = made.json()
    token = Domain.objects.get().token
    assert body | {"created_at": ""} == {
        "id": str(Domain.objects.get().pk),
        "domain": "bücher.example.org",
        "status": "pending",
        "record": {
            "type": "TXT",
            "name": "_libraryhub.xn--bcher-kva.example.org",
            "value": f"libraryhub-verify={token}",
        },
        "created_at": "",
        "proven_at": None,
        "checked_at": None,
        "problem": "",
    }
    address = f"{URL}{body['id']}/"
    refused = client.post(f"{address}verify/")
    assert (refused.status_code, refused.json()["code"]) == (409, "domain_not_proven")
    assert client.get(URL).json()["results"][0]["problem"] == "domain_not_proven"
    WrittenRecords.records[body["record"]["name"]] = [body["record"]["value"]]
    proven = client.post(f"{address}verify/")
    assert (proven.status_code, proven.json()["status"]) == (200, "proven")
    # The site answers under its own name, and signs people in there.
    client.defaults["HTTP_HOST"] = "xn--bcher-kva.example.org"
    assert client.get(URL).json()["results"] == [proven.json()]
    client.defaults["HTTP_HOST"] = "north.localhost"
    assert client.delete(address).status_code == 204
    assert client.get(URL).json() == {"next": None, "previous": None, "results": []}


@pytest.mark.parametrize(
    ("domain", "code", "reason"),
    [
        ("10.0.0.1", "domain_not_allowed", "ip_address"),
        ("shop.localhost", "domain_not_allowed", "not_public"),
        ("not a domain", "domain_not_allowed", "not_a_domain"),
        ("", "validation_failed", None),
        (7, "validation_failed", None),
        (f"{'a' * 300}.example", "validation_failed", None),
        ("books\u0000.example", "malformed_json", None),
    ],
)
def test_what_is_refused(north: Any, api: Api, domain: Any, code: str, reason: str | None) -> None:
    answer = api(north, "admin").post(URL, {"domain": domain}, format="json")
    assert (answer.status_code, answer.json()["code"], answer.json().get("reason")) == (400, code, reason)
    assert not Domain.objects.exists()


def test_twice_is_once(north: Any, api: Api) -> None:
    client = api(north, "admin")
    assert client.post(URL, {"domain": "books.example.org"}, format="json").status_code == 201
    answer = client.post(URL, {"domain": "books.example.org"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "domain_added_already")
    assert Domain.objects.count() == 1


def test_nobody_is_told_of_another_librarys_domain(north: Any, south: Any, api: Api) -> None:
    Domain.objects.create(tenant_id=south.id, domain="books.example.org", token="t" * 32)
    client = api(north, "admin")
    assert client.get(URL).json()["results"] == []
    answer = client.post(URL, {"domain": "books.example.org"}, format="json")
    assert answer.status_code == 201
    assert "south" not in answer.content.decode()


@pytest.mark.parametrize("pk", ["0", "-1", "x", "99999999999999999999", "1;2"])
def test_an_id_that_is_none(north: Any, api: Api, pk: str) -> None:
    client = api(north, "admin")
    assert client.delete(f"{URL}{pk}/").status_code == 404
    assert client.post(f"{URL}{pk}/verify/").status_code == 404


def test_the_list_costs_the_same_for_one_and_for_three(
    north: Any, api: Api, django_assert_max_num_queries: Any
) -> None:
    client = api(north, "admin")
    client.get(URL)
    counts = []
    for number in range(3):
        client.post(URL, {"domain": f"books{number}.example.org"}, format="json")
        with django_assert_max_num_queries(10) as queries:
            assert len(client.get(URL).json()["results"]) == number + 1
        counts.append(len(queries))
    assert len(set(counts)) == 1
