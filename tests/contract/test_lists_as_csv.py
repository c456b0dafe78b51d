"""Every list answers CSV: the rows, rights, pages and limits of its JSON."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.contract.documents import SITES, generate
from tests.contract.lists import CALLERS, LISTS, PAGED, READS, ask, asker
from tests.permissions.inventory import Endpoint
from tests.permissions.matrix import MATRIX
from tests.permissions.scenes import Scenes
from tests.tables import flat, read_table, same

pytestmark = pytest.mark.django_db
CSV = {"Accept": "text/csv"}
lists = pytest.mark.parametrize("endpoint", LISTS, ids=str)
paged = pytest.mark.parametrize("endpoint", PAGED, ids=str)
# Each call is another session in this list, so that no two answers are the same.
_SEES_ITSELF = [endpoint for endpoint in LISTS if endpoint.path == "/api/v1/auth/sessions/"]
_LINK = re.compile(r'<([^>]+)>; rel="(\w+)"')


def links_of(answer: Any) -> dict[str, str]:
    return {rel: target for target, rel in _LINK.findall(answer.get("Link", ""))}


def test_the_lists_are_found() -> None:
    names = {endpoint.path for endpoint in LISTS}
    assert {"/api/v1/titles/", "/api/v1/search/", "/api/v1/patrons/", "/api/v1/plans/"} <= names
    assert {"/api/v1/auth/sessions/", "/api/v1/audit/", "/api/v1/imports/{pk}/records/"} <= names
    assert len(PAGED) >= 25


@pytest.mark.parametrize("endpoint", READS, ids=str)
def test_what_answers_a_list_says_so(scenes: Scenes, endpoint: Endpoint) -> None:
    """Otherwise a new list in JSON alone would pass unseen."""
    answer = ask(scenes, endpoint)
    assert answer.status_code < 300 or endpoint not in LISTS
    body = answer.json() if answer["Content-Type"] == "application/json" else None
    assert (endpoint in LISTS) is (isinstance(body, dict) and "results" in body)


@lists
def test_csv_has_the_values_of_the_json(scenes: Scenes, endpoint: Endpoint) -> None:
    query = "page_size=100" if endpoint in PAGED else ""
    page = ask(scenes, endpoint, query).json()
    answer = ask(scenes, endpoint, query, headers=CSV)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    columns, rows = read_table(answer.content)
    assert len(rows) == len(page["results"])
    for row, cells in zip(page["results"], rows, strict=True):
        for column, value in flat(row, columns).items():
            # An empty column may have been an object: then its members have columns, and none may be left out.
            assert same(value, cells[column]), (column, value, cells[column])
        assert {column.split(".")[0] for column in columns} == set(row)
        for name, value in row.items():
            if isinstance(value, dict) and name not in columns:
                assert {f"{name}.{inner}" for inner in value} <= set(columns)


@pytest.mark.parametrize("endpoint", [e for e in PAGED if "fields" in e.view.query_parameters], ids=str)
def test_csv_has_the_columns_that_are_asked_for(scenes: Scenes, endpoint: Endpoint) -> None:
    """Of each member by itself, of two in the other order, and of those that may be added."""
    send = asker(scenes, endpoint)
    everything = send().json()["results"][0]
    expandable = getattr(endpoint.view.list_read, "expand", {})
    names = list(everything)
    queries = [f"fields={name}" for name in names] + [f"fields={names[-1]},{names[0]}"]
    queries += [f"expand={name}" for name in expandable]
    for query in queries:
        (row, *_others), answer = send(query).json()["results"], send(query, CSV)
        columns, (cells, *_more) = read_table(answer.content)
        assert {column.split(".")[0] for column in columns} == set(row), query
        for column, value in flat(row, columns).items():
            assert same(value, cells[column]), (query, column)


@lists
def test_csv_is_a_file_with_a_name_of_ours(scenes: Scenes, endpoint: Endpoint) -> None:
    answer = ask(scenes, endpoint, headers=CSV)
    name = re.fullmatch(r'attachment; filename="([a-z-]+)\.csv"', answer["Content-Disposition"])
    assert name is not None
    assert name[1].endswith(endpoint.path.rstrip("/").rpartition("/")[2])
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "Accept" in re.split(r",\s*", answer["Vary"])
    assert "Accept" in re.split(r",\s*", ask(scenes, endpoint)["Vary"])
    assert answer.content.count(b"\r\n") >= 1


@paged
def test_the_neighbours_are_links(scenes: Scenes, endpoint: Endpoint) -> None:
    """They lead to the pages that JSON's addresses lead to, and to nothing on either end."""
    page = ask(scenes, endpoint, "page_size=1").json()
    answer = ask(scenes, endpoint, "page_size=1", headers=CSV)
    links = links_of(answer)
    assert links == ({"next": page["next"]} if page["next"] else {})
    if not links:
        return
    split = urlsplit(links["next"])
    second = ask(scenes, endpoint, split.query, headers=CSV)
    assert second.status_code == 200
    assert second.content != answer.content
    back = ask(scenes, endpoint, urlsplit(links_of(second)["prev"]).query, headers=CSV)
    assert back.content == answer.content


@pytest.mark.parametrize("endpoint", [e for e in LISTS if e not in _SEES_ITSELF], ids=str)
def test_another_tag_than_the_json_and_304(scenes: Scenes, endpoint: Endpoint) -> None:
    query = "page_size=5" if endpoint in PAGED else ""
    answer = ask(scenes, endpoint, query, headers=CSV)
    tag = answer["ETag"]
    assert tag.startswith('W/"')
    assert tag != ask(scenes, endpoint, query)["ETag"]
    again = ask(scenes, endpoint, query, headers={**CSV, "If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert ask(scenes, endpoint, query, headers={"If-None-Match": tag}).status_code == 200


@lists
def test_head_has_the_headers_alone(scenes: Scenes, endpoint: Endpoint) -> None:
    who, scene = CALLERS[endpoint.site], scenes.of(endpoint.site)
    path = scenes.example(endpoint.site, endpoint.key, scene, who).path.partition("?")[0]
    answer = scenes.client(scene, who).head(path, headers=CSV)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"


@lists
def test_any_other_form_is_refused_with_those_that_there_are(scenes: Scenes, endpoint: Endpoint) -> None:
    answer = ask(scenes, endpoint, headers={"Accept": "application/pdf, text/*;q=0"})
    assert (answer.status_code, answer["Content-Type"]) == (406, "application/problem+json")
    problem = answer.json()
    assert problem["code"] == "not_acceptable"
    assert problem["available"][:2] == ["application/json", "text/csv"]
    assert "Accept" in answer["Vary"]


@pytest.mark.parametrize("endpoint", [e for e in READS if e not in LISTS], ids=str)
def test_what_is_no_list_has_no_csv(scenes: Scenes, endpoint: Endpoint) -> None:
    answer = ask(scenes, endpoint, headers=CSV)
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert "text/csv" not in answer.json()["available"]


@lists
def test_who_may_not_read_the_json_may_not_read_the_csv(scenes: Scenes, endpoint: Endpoint) -> None:
    allowed = MATRIX[endpoint.site][endpoint.key]
    callers = ("anonymous", "reader", "librarian") if endpoint.site == "library" else ("anonymous",)
    for caller in callers:
        as_json, as_csv = (ask(scenes, endpoint, caller=caller, headers=headers) for headers in ({}, CSV))
        assert as_csv.status_code == as_json.status_code
        assert (as_csv.status_code == 200) is (caller in allowed)
        if as_csv.status_code != 200:
            assert as_csv.json()["code"] == as_json.json()["code"]
            continue
        shown = [row.get("id") for row in read_table(as_csv.content)[1]]
        listed = [row.get("id") for row in as_json.json()["results"]]
        # The log is whole in CSV where nobody asks for a page, and a call is a new session.
        assert shown[: len(listed)] == listed or endpoint in _SEES_ITSELF


@pytest.mark.parametrize("site", list(SITES))
def test_the_document_shows_both_forms_of_every_list(site: str) -> None:
    document, _warnings = generate(site)
    shown = {
        re.sub(r"{\w+}", "{}", path)
        for path, item in document["paths"].items()
        if "text/csv" in item.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
    }
    assert shown == {re.sub(r"{\w+}", "{}", e.path) for e in LISTS if e.site == site}
    for path in shown:
        content = next(
            item["get"]["responses"]["200"]["content"]
            for found, item in document["paths"].items()
            if re.sub(r"{\w+}", "{}", found) == path
        )
        assert "application/json" in content
        assert content["text/csv"]["example"].endswith("\r\n")
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method not in ("get", "parameters"):
                contents = [answer.get("content", {}) for answer in operation["responses"].values()]
                assert not any("text/csv" in content for content in contents), path
