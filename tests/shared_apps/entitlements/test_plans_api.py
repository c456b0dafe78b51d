"""GET /api/v1/plans/."""

from __future__ import annotations

from typing import Any


def test_everybody_may_read_the_price_list(public_api: Any) -> None:
    answer = public_api().get("/api/v1/plans/")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["next"], body["previous"]) == (None, None)
    assert [plan["code"] for plan in body["results"]] == ["free", "starter", "pro", "consortium"]
    starter = body["results"][1]
    assert starter["prices"] == {
        "EUR": {
            "monthly": {"amount": "39.00", "currency": "EUR"},
            "yearly": {"amount": "390.00", "currency": "EUR"},
        },
        "USD": {
            "monthly": {"amount": "45.00", "currency": "USD"},
            "yearly": {"amount": "450.00", "currency": "USD"},
        },
    }
    assert starter["trial_days"] == 30
    assert starter["limits"] == {
        "titles": 25_000,
        "patrons": 5_000,
        "staff": 10,
        "branches": 2,
        "storage_bytes": 10 * 1024**3,
        "requests_per_minute": 3_000,
    }


def test_the_price_list_needs_no_query(public_api: Any, django_assert_num_queries: Any) -> None:
    client = public_api()
    with django_assert_num_queries(0):
        assert client.get("/api/v1/plans/").status_code == 200


def test_the_price_list_may_be_kept_by_caches_and_asked_for_again_cheaply(public_api: Any) -> None:
    first = public_api().get("/api/v1/plans/")
    assert "public" in first["Cache-Control"]
    again = public_api().get("/api/v1/plans/", HTTP_IF_NONE_MATCH=first["ETag"])
    assert again.status_code == 304


def test_it_takes_no_parameters_and_no_other_method(public_api: Any) -> None:
    assert public_api().get("/api/v1/plans/?page=2").status_code == 400
    assert public_api().post("/api/v1/plans/", {}).status_code == 405


def test_a_library_site_has_no_price_list(api: Any, north: Any) -> None:
    assert api(north, "admin").get("/api/v1/plans/").status_code == 404
