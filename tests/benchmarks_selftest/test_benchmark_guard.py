"""Nothing is timed unless every variant answers the same."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.benchmarks.registry import BenchmarkRefused
from tests.benchmarks.requests.guard import difference, require_equal, without_chance
from tests.benchmarks.requests.servers import Answer

LOAN = {
    "loan": {"id": "12", "checked_out_at": "2026-11-20T09:30:00.123456Z", "due_at": "2026-12-18T22:59:59Z"}
}
VARYING = {"loan.id": "id", "loan.checked_out_at": "moment"}


def answer(value: Any, status: int = 200) -> Answer:
    return Answer(status, orjson.dumps(value))


def changed(**values: Any) -> dict[str, Any]:
    return {"loan": LOAN["loan"] | values}


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ({"a": 1}, {"a": 2}, "a is 1 here and 2 there"),
        ({"a": 1}, {"a": True}, "a is 1 here and True there"),
        ({"a": 1}, {"a": 1.0}, "a is 1 here and 1.0 there"),
        ({"a": "1"}, {"a": 1}, "a is '1' here and 1 there"),
        ({"a": None}, {}, "the body has other members: ['a']"),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, "a has other members: ['c']"),
        ({"a": [1, 2]}, {"a": [1]}, "a has 2 members here and 1 there"),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}, "a[1].b is 2 here and 3 there"),
        ([1, 2], [2, 1], "[0] is 1 here and 2 there"),
    ],
)
def test_every_kind_of_difference_is_found_and_named(ours: Any, theirs: Any, found: str) -> None:
    assert difference(ours, theirs) == found


def test_equal_values_do_not_differ_whatever_the_order_of_members() -> None:
    value = {"a": [1, {"b": None}], "c": "x"}
    assert difference(value, {"c": "x", "a": [1, {"b": None}]}) is None


def test_the_true_answer_of_another_moment_is_equal() -> None:
    other = changed(id="13", checked_out_at="2026-11-20T09:30:01.000001Z")
    require_equal("checkout", "peer", answer(LOAN), answer(other), VARYING)


@pytest.mark.parametrize(
    "other",
    [
        changed(id=13),
        changed(id="thirteen"),
        changed(checked_out_at="2026-11-20T09:30:01Z"),
        changed(checked_out_at="2026-11-20 09:30:01.000001+00:00"),
        changed(checked_out_at=None),
        changed(due_at="2026-12-18T21:59:59Z"),
        {},
    ],
)
def test_an_answer_of_another_shape_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(BenchmarkRefused, match="checkout: the answers of ours and peer differ: "):
        require_equal("checkout", "peer", answer(LOAN), answer(other), VARYING)


def test_another_status_is_refused() -> None:
    with pytest.raises(BenchmarkRefused, match="ours answers 201, peer 200"):
        require_equal("checkout", "peer", answer(LOAN, 201), answer(LOAN, 200), VARYING)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(BenchmarkRefused, match="not JSON"):
        require_equal("list", "peer", answer({}), Answer(200, b"<html>"), {})


def test_addresses_of_pages_may_differ_in_their_cursor_alone() -> None:
    varying = {"next": "address"}
    one = {"next": "http://north.localhost/api/v1/titles/?page_size=50&cursor=abc"}
    other = {"next": "http://north.localhost/api/v1/titles/?cursor=xyz&page_size=50"}
    assert without_chance(one, varying) == without_chance(other, varying)
    assert without_chance({"next": None}, varying) == {"next": None}
    assert without_chance({"next": "http://x/?page=2"}, varying) == {"next": "http://x/?page=2"}


def test_only_the_named_places_may_vary() -> None:
    assert without_chance({"id": "1", "loan": {"id": "2"}}, {"loan.id": "id"}) == {
        "id": "1",
        "loan": {"id": "<an id>"},
    }
    assert without_chance({"results": [{"id": "1"}]}, {"results[].id": "id"}) == {
        "results": [{"id": "<an id>"}]
    }
