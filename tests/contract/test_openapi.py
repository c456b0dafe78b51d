"""The OpenAPI documents: valid, without a warning, complete, and changed only on purpose."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.contract.documents import SITES, generate, snapshot_of, text_of
from tests.permissions.inventory import of_site

sites = pytest.mark.parametrize("site", list(SITES))
METHODS = ("get", "post", "put", "patch", "delete")


@functools.cache
def generated(site: str) -> tuple[dict[str, Any], list[str]]:
    return generate(site)


def document(site: str) -> dict[str, Any]:
    return generated(site)[0]


def plain(key: str) -> str:
    """An address without its parameters' names: the document calls `pk` an `id`."""
    return re.sub(r"{\w+}", "{}", key)


def operations(site: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document(site)["paths"].items():
        for method in METHODS:
            if method in item:
                yield plain(f"{method.upper()} {path}"), item[method]


@sites
def test_making_it_gives_no_warning(site: str) -> None:
    assert generated(site)[1] == []


@sites
def test_it_is_valid_openapi_3_1(site: str) -> None:
    found = document(site)
    assert found["openapi"].startswith("3.1")
    errors = [error.message for error in OpenAPIV31SpecValidator(found).iter_errors()]
    assert errors == []


@sites
def test_it_is_the_committed_one(site: str) -> None:
    committed = snapshot_of(site).read_text()
    assert text_of(document(site)) == committed, (
        "run: uv run python -m tests.contract.renew, and read the difference"
    )


@sites
def test_it_has_every_route_of_the_api_and_no_other(site: str) -> None:
    routes = {plain(endpoint.key) for endpoint in of_site(site) if endpoint.path.startswith("/api/v1/")}
    assert {key for key, _ in operations(site)} == routes


@sites
def test_every_operation_has_a_summary_an_id_and_its_problems(site: str) -> None:
    ids = []
    for key, operation in operations(site):
        assert operation.get("summary"), key
        assert operation.get("description"), key
        ids.append(operation["operationId"])
        refused = {status for status in operation["responses"] if status >= "400"}
        assert {"406", "429", "500"} <= refused, key
        for status in refused:
            content = operation["responses"][status]["content"]
            assert list(content) == ["application/problem+json"], key
            examples = content["application/problem+json"]["examples"]
            assert all(code == example["value"]["code"] for code, example in examples.items()), key
            assert all(example["value"]["status"] == int(status) for example in examples.values()), key
        assert {status for status in operation["responses"] if status < "400"}, key
    assert len(set(ids)) == len(ids)


@sites
def test_every_body_that_is_sent_has_an_example_or_a_schema_of_its_own(site: str) -> None:
    for key, operation in operations(site):
        if "requestBody" in operation:
            for media in operation["requestBody"]["content"].values():
                assert media.get("schema"), key


@sites
def test_what_needs_a_permission_says_that_it_needs_a_token(site: str) -> None:
    declared = {
        plain(e.key): e.declared for e in of_site(site) if e.is_api_view and e.path.startswith("/api/v1/")
    }
    for key, operation in operations(site):
        needs = declared[key] is not None
        security = operation.get("security", [])
        assert ({} not in security and bool(security)) is needs or not security, key
        if needs:
            assert "401" in operation["responses"], key
            assert "403" in operation["responses"], key


@pytest.mark.django_db
@sites
def test_it_is_served_as_json_and_yaml(site: str) -> None:
    client = Client(HTTP_HOST="north.localhost" if site == "library" else "localhost")
    served = client.get("/api/schema/", headers={"accept": "application/vnd.oai.openapi+json"})
    assert served.status_code == 200
    assert served.json()["paths"].keys() == document(site)["paths"].keys()
    assert client.get("/api/schema/", headers={"accept": "application/vnd.oai.openapi"}).status_code == 200


def test_the_two_sites_do_not_show_each_others_addresses() -> None:
    library, public = (set(document(site)["paths"]) for site in ("library", "public"))
    shared = {path for path in library & public if not path.startswith("/api/v1/auth/")}
    assert shared == set()
