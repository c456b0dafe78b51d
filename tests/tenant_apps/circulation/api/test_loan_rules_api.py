"""Loan rules over HTTP, and the explanation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tenant_apps.circulation.models import LoanRule
from tests.tenant_apps.circulation.factories import BranchFactory, everything
from tests.tenant_apps.circulation.members import librarian_at

URL = "/api/v1/loan-rules/"
CASE = {"branch": "main", "category": "child", "item_type": "dvd"}


@pytest.fixture
def admin(in_north: Any, api: Callable[..., Any]) -> Any:
    return api(in_north, "admin")


def make(admin: Any, **more: Any) -> Any:
    return admin.post(URL, {"name": "loan_period_days", "value": 14, "branch": "main", **more})


def test_a_rule_is_made_and_shown(admin: Any) -> None:
    answer = make(admin, category="child")

    rule = LoanRule.objects.get(branch__code="main")
    expected = {
        "id": str(rule.pk),
        "name": "loan_period_days",
        "value": 14,
        "branch": "main",
        "category": "child",
        "item_type": None,
    }
    assert (answer.status_code, answer.json()) == (201, expected)
    shown = admin.get(f"{URL}{rule.pk}/")
    assert (shown.json(), shown["ETag"]) == (expected, answer["ETag"])
    assert expected in admin.get(URL).json()["results"]


def test_the_list_is_ordered_by_name(admin: Any) -> None:
    names = [rule["name"] for rule in admin.get(URL).json()["results"]]

    assert names == ["loan_limit", "loan_period_days", "loan_period_days"]


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"name": "loan_days"}, "rule_not_valid", "name"),
        ({"value": 0}, "rule_not_valid", "value"),
        ({"value": None}, "rule_not_valid", "value"),
        ({"value": "14"}, "validation_failed", "value"),
        ({"value": 14.5}, "validation_failed", "value"),
        ({"value": True}, "validation_failed", "value"),
        ({"branch": "nowhere"}, "validation_failed", "branch"),
        ({"category": "giant"}, "validation_failed", "category"),
        ({"item_type": "globe"}, "validation_failed", "item_type"),
        ({"branche": "main"}, "unknown_field", "branche"),
        ({"branch": None, "item_type": "book"}, "rule_scope_taken", "name"),
    ],
)
def test_a_wrong_rule_is_refused_without_a_trace(
    admin: Any, more: dict[str, Any], code: str, field: str
) -> None:
    before = everything()

    answer = make(admin, **more)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]
    assert everything() == before


def test_a_change_needs_the_version_that_was_read(admin: Any) -> None:
    made = make(admin)
    url, before = f"{URL}{made.json()['id']}/", everything()

    assert admin.patch(url, {"value": 21}).status_code == 428
    assert admin.patch(url, {"value": 21}, HTTP_IF_MATCH='"1.99.json"').status_code == 412
    assert admin.delete(url).status_code == 428
    assert admin.delete(url, HTTP_IF_MATCH='"1.99.json"').status_code == 412
    assert everything() == before

    changed = admin.patch(url, {"value": 21}, HTTP_IF_MATCH=made["ETag"])
    assert (changed.status_code, changed.json()["value"]) == (200, 21)
    assert changed["ETag"] != made["ETag"]
    assert admin.patch(url, {"value": 22}, HTTP_IF_MATCH=made["ETag"]).status_code == 412
    assert admin.delete(url, HTTP_IF_MATCH=changed["ETag"]).status_code == 204
    assert admin.get(url).status_code == 404


@pytest.mark.parametrize("body", [{"value": 0}, {"value": 21, "branch": "main"}, {}])
def test_a_wrong_change_is_refused_without_a_trace(admin: Any, body: dict[str, Any]) -> None:
    made = make(admin)
    before = everything()

    answer = admin.patch(f"{URL}{made.json()['id']}/", body, HTTP_IF_MATCH=made["ETag"])

    assert answer.status_code == 400
    assert everything() == before


def test_s1_explain_names_the_winner_and_the_loser(admin: Any) -> None:
    won = make(admin).json()
    lost = make(admin, value=3, branch=None, category="child", item_type="dvd").json()

    answer = admin.get(f"{URL}explain/", CASE).json()

    period = next(choice for choice in answer["rules"] if choice["name"] == "loan_period_days")
    assert {part: answer[part] for part in CASE} == CASE
    assert answer["lendable"] is True
    assert (period["value"], period["rule"]) == (14, won)
    loser = period["losers"][0]
    assert (loser["id"], loser["value"], loser["reason"]) == (lost["id"], 3, "branch_less_specific")
    assert loser["detail"]
    assert [other["reason"] for other in period["losers"]] == ["branch_less_specific", "branch_less_specific"]


def test_s2_explain_says_what_holds_without_a_rule(admin: Any, in_north: Any) -> None:
    LoanRule.objects.all().delete()

    answer = admin.get(f"{URL}explain/", CASE).json()

    assert answer["lendable"] is False
    assert [(choice["name"], choice["rule"], choice["without_rule"]) for choice in answer["rules"]] == [
        ("loan_period_days", None, "Not lendable."),
        ("loan_limit", None, "Unlimited."),
        ("overall_loan_limit", None, "Unlimited."),
    ]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({**CASE, "branch": "nowhere"}, "validation_failed"),
        ({"branch": "main", "category": "child"}, "validation_failed"),
        ({**CASE, "page_size": "5"}, "unknown_parameter"),
    ],
)
def test_explain_needs_three_known_codes(admin: Any, query: dict[str, str], code: str) -> None:
    answer = admin.get(f"{URL}explain/", query)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(
    ("role", "reading", "writing"),
    [(None, 401, 401), ("reader", 403, 403), ("librarian", 200, 403), ("admin", 200, 201)],
)
def test_who_may(
    api: Callable[..., Any], in_north: Any, role: str | None, reading: int, writing: int
) -> None:
    client = api(in_north, role)
    before = everything()

    assert client.get(URL).status_code == reading
    assert client.get(f"{URL}explain/", CASE).status_code == reading
    assert make(client).status_code == writing
    assert (everything() == before) is (writing != 201)


def test_an_admin_of_one_branch_makes_rules_for_it_alone(api: Callable[..., Any], in_north: Any) -> None:
    BranchFactory(code="harbour")
    client = api(in_north, librarian_at("harbour", role="admin"))
    common = LoanRule.objects.get(name="loan_limit")
    before = everything()

    assert make(client, branch="main").status_code == 403
    assert make(client, branch=None, category="adult").status_code == 403
    assert client.patch(f"{URL}{common.pk}/", {"value": 1}, HTTP_IF_MATCH="*").status_code == 403
    assert client.delete(f"{URL}{common.pk}/", HTTP_IF_MATCH="*").status_code == 403
    assert everything() == before

    made = make(client, branch="harbour")
    assert made.status_code == 201
    assert client.delete(f"{URL}{made.json()['id']}/", HTTP_IF_MATCH=made["ETag"]).status_code == 204
