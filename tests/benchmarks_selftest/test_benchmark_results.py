"""Rows, targets and the document that programs read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.benchmarks.results import (
    AT_LEAST,
    AT_MOST,
    Outcome,
    Row,
    Target,
    document,
    less_is_better,
    more_is_better,
    shown,
    unmet,
)

ROW_KEYS = ["name", "unit", "ours", "peer", "peer_name", "ratio", "target", "met"]


def test_a_document_has_exactly_the_promised_members() -> None:
    rows = [less_is_better("list", "ms", 2.0, 10.0, "usual DRF", target=Target(AT_LEAST, 8))]
    at = datetime(2026, 11, 20, 13, 5, 9, 123456, tzinfo=timezone(timedelta(hours=1)))

    found = document("requests", Outcome(rows), {"cpu": "one"}, quick=True, at=at)

    assert list(found) == ["benchmark", "date", "machine", "quick", "rows", "notes"]
    assert found["benchmark"] == "requests"
    assert found["date"] == "2026-11-20T12:05:09Z"
    assert found["machine"] == {"cpu": "one"}
    assert found["quick"] is True
    assert found["rows"] == [
        {
            "name": "list",
            "unit": "ms",
            "ours": 2.0,
            "peer": 10.0,
            "peer_name": "usual DRF",
            "ratio": 5.0,
            "target": {"op": ">=", "value": 8},
            "met": False,
        }
    ]


def test_more_requests_are_better() -> None:
    row = more_is_better("8 clients", "requests/s", 300.04, 100.0, "usual DRF")
    assert (row.ours, row.peer, row.ratio, row.met) == (300.0, 100.0, 3.0, None)


def test_the_date_is_now_unless_it_is_given() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    found = document("requests", Outcome([]), {}, quick=False)
    assert before <= datetime.strptime(found["date"], "%Y-%m-%dT%H:%M:%S%z") <= datetime.now(UTC)


def test_a_row_without_peer_and_target_has_nulls() -> None:
    found = Row("memory", "MiB", 100.0).document()
    assert list(found) == ROW_KEYS
    assert found == dict.fromkeys(ROW_KEYS) | {"name": "memory", "unit": "MiB", "ours": 100.0}


@pytest.mark.parametrize(
    ("op", "value", "measured", "met"),
    [
        (AT_LEAST, 8, 8.0, True),
        (AT_LEAST, 8, 7.99, False),
        (AT_MOST, 50, 50.0, True),
        (AT_MOST, 50, 50.1, False),
    ],
)
def test_a_target_is_met_from_its_value_on(op: str, value: float, measured: float, met: bool) -> None:
    assert Target(op, value).met_by(measured) is met


def test_a_target_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="'=='"):
        Target("==", 1)


def test_a_target_judges_the_ratio_and_without_one_our_own_number() -> None:
    assert Row("a", "ms", 100.0, 900.0, "peer", 9.0, Target(AT_LEAST, 8)).met is True
    assert Row("b", "ms", 100.0, target=Target(AT_MOST, 50)).met is False
    assert Row("c", "ms", 100.0).met is None


def test_what_is_shown_and_what_is_judged_are_one_number() -> None:
    # 7.996 would be shown as 8.00: a reader of the document must come to the same verdict.
    row = less_is_better("list", "ms", 1.0, 7.996, "peer", target=Target(AT_LEAST, 8))
    assert row.ratio == 8.0
    assert row.met is True


def test_the_ratio_says_how_many_times_less_ours_takes() -> None:
    assert less_is_better("a", "ms", 4.0, 10.0, "peer").ratio == 2.5
    assert less_is_better("a", "ms", 10.0, 4.0, "peer").ratio == 0.4
    assert less_is_better("a", "statements", 0, 4, "peer").ratio is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(12.34567, 12.35), (123456.0, 123500.0), (0.00123456, 0.001235), (0, 0), (6, 6)],
)
def test_numbers_are_kept_to_four_digits(value: float, text: float) -> None:
    assert shown(value) == text


def test_only_a_missed_target_counts_as_unmet() -> None:
    missed = Row("b", "ms", 100.0, target=Target(AT_MOST, 50))
    rows = [Row("a", "ms", 10.0, target=Target(AT_MOST, 50)), missed, Row("c", "ms", 1.0)]
    assert unmet(rows) == [missed]
