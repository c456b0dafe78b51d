"""Branches over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core.tenancy import in_library
from tenant_apps.branches.models import Branch
from tests.tenant_apps.circulation.factories import BranchFactory, everything
from tests.tenant_apps.circulation.members import librarian_at

URL = "/api/v1/branches/"
HARBOUR = {"code": "harbour", "name": "Harbour", "time_zone": "Europe/Rome"}


@pytest.fixture
def admin(in_north: Any, api: Callable[..., Any]) -> Any:
    return api(in_north, "admin")


def test_a_branch_is_opened_and_shown(admin: Any) -> None:
    answer = admin.post(URL, HARBOUR)

    branch = Branch.objects.get(code="harbour")
    assert (answer.status_code, answer.json()) == (201, {"id": str(branch.pk), **HARBOUR})
    shown = admin.get(f"{URL}{branch.pk}/")
    assert (shown.json(), shown["ETag"]) == (answer.json(), answer["ETag"])
    assert admin.get(f"{URL}{branch.pk}/", HTTP_IF_NONE_MATCH=shown["ETag"]).status_code == 304


def test_the_list_is_ordered_by_code_and_costs_the_same_for_more(admin: Any) -> None:
    with CaptureQueriesContext(connection) as one:
        assert [branch["code"] for branch in admin.get(URL).json()["results"]] == ["main"]
    BranchFactory(code="zoo")
    BranchFactory(code="harbour")

    with CaptureQueriesContext(connection) as three:
        assert [branch["code"] for branch in admin.get(URL).json()["results"]] == ["harbour", "main", "zoo"]

    assert len(three) == len(one)


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"code": "main"}, "branch_code_taken", "code"),
        ({"code": "two words"}, "validation_failed", "code"),
        ({"code": "-x"}, "validation_failed", "code"),
        ({"code": "caffè"}, "validation_failed", "code"),
        ({"code": "main\n"}, "branch_code_taken", "code"),
        ({"code": "x" * 41}, "validation_failed", "code"),
        ({"code": ""}, "validation_failed", "code"),
        ({"name": ""}, "validation_failed", "name"),
        ({"name": "x" * 201}, "validation_failed", "name"),
        ({"time_zone": "Europe/Atlantis"}, "validation_failed", "time_zone"),
        ({"time_zone": 5}, "validation_failed", "time_zone"),
        ({"opening": "9-5"}, "unknown_field", "opening"),
        ({"id": "1"}, "unknown_field", "id"),
    ],
)
def test_a_wrong_branch_is_refused_without_a_trace(
    admin: Any, more: dict[str, Any], code: str, field: str
) -> None:
    before = everything()

    answer = admin.post(URL, {**HARBOUR, **more})

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]
    assert everything() == before
    assert admin.post(URL, HARBOUR).status_code == 201


def test_a_change_needs_the_version_that_was_read(admin: Any) -> None:
    made = admin.post(URL, HARBOUR)
    url, before = f"{URL}{made.json()['id']}/", everything()

    assert admin.patch(url, {"name": "X"}).status_code == 428
    assert admin.patch(url, {"name": "X"}, HTTP_IF_MATCH='"1.9.json"').status_code == 412
    assert admin.patch(url, {"code": "x"}, HTTP_IF_MATCH=made["ETag"]).status_code == 400
    assert everything() == before

    changed = admin.patch(url, {"name": "Old Harbour"}, HTTP_IF_MATCH=made["ETag"])
    assert (changed.status_code, changed.json()["name"]) == (200, "Old Harbour")
    assert admin.patch(url, {"name": "X"}, HTTP_IF_MATCH=made["ETag"]).status_code == 412


@pytest.mark.parametrize("path", ["999999", "0", "x", "1.5", "9" * 30])
def test_what_is_not_there_is_not_found(admin: Any, path: str) -> None:
    assert admin.get(f"{URL}{path}/").status_code == 404
    assert admin.patch(f"{URL}{path}/", {"name": "X"}, HTTP_IF_MATCH="*").status_code == 404


@pytest.mark.parametrize(
    ("role", "writing"), [(None, 401), ("reader", 403), ("librarian", 403), ("admin", 201)]
)
def test_who_may(api: Callable[..., Any], in_north: Any, role: str | None, writing: int) -> None:
    client = api(in_north, role)
    before = everything()

    assert client.get(URL).status_code == 200
    assert client.post(URL, HARBOUR).status_code == writing
    assert (everything() == before) is (writing != 201)


def test_an_admin_of_one_branch_changes_that_branch_alone(api: Callable[..., Any], in_north: Any) -> None:
    harbour = BranchFactory(code="harbour")
    client = api(in_north, librarian_at("harbour", role="admin"))
    main, before = Branch.objects.get(code="main"), everything()

    assert client.post(URL, {**HARBOUR, "code": "hill"}).status_code == 403
    assert client.patch(f"{URL}{main.pk}/", {"name": "X"}, HTTP_IF_MATCH="*").status_code == 403
    assert everything() == before
    assert client.patch(f"{URL}{harbour.pk}/", {"name": "X"}, HTTP_IF_MATCH="*").status_code == 200


def test_the_other_librarys_branches_do_not_exist_here(
    api: Callable[..., Any], north: Any, south: Any
) -> None:
    with in_library(south):
        theirs = BranchFactory(code="desert")
        before = everything()
    client = api(north, "admin")

    assert client.get(f"{URL}{theirs.pk}/").status_code == 404
    assert client.patch(f"{URL}{theirs.pk}/", {"name": "X"}, HTTP_IF_MATCH="*").status_code == 404
    assert "desert" not in client.get(URL).content.decode()
    with in_library(south):
        assert everything() == before
    assert (
        api(south, "admin").patch(f"{URL}{theirs.pk}/", {"name": "X"}, HTTP_IF_MATCH="*").status_code == 200
    )
