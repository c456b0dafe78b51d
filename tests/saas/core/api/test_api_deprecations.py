"""Deprecations: what is declared, which answers show it, who is counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from django.core.exceptions import ImproperlyConfigured
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response
from structlog.testing import capture_logs

from saas.core import clock, metrics
from saas.core.api import deprecations
from saas.core.api.deprecations import all_deprecations, deprecated, deprecated_field, deprecated_members
from saas.core.api.views import ApiView, ApiViewSet
from saas.core.errors import NotFound

DAYS = {"since": "2026-11-20", "sunset": "2027-12-01", "instead": "`b`, which says the same"}


@pytest.fixture(scope="module", autouse=True)
def _nothing_stays_declared() -> Iterator[None]:
    before = dict(deprecations._known)
    yield
    deprecations._known.clear()
    deprecations._known.update(before)


@pytest.fixture(autouse=True)
def _nobody_was_told() -> None:
    deprecations._told.clear()


def declare() -> dict[str, Any]:
    """The views of these tests, declared while their declarations are kept apart."""

    @deprecated_field("a", **DAYS)
    class Inner(serializers.Serializer[Any]):
        a = serializers.CharField()
        b = serializers.CharField()

    @deprecated_field("old", since="2026-01-01", sunset="2027-06-01", instead="`new`, from now on")
    class Row(serializers.Serializer[Any]):
        id = serializers.CharField()
        old = serializers.CharField()
        inner = Inner()
        inners = Inner(many=True)
        shown = serializers.SerializerMethodField()
        plain = serializers.ListField(child=serializers.CharField())

        @extend_schema_field(Inner(many=True))
        def get_shown(self, row: Any) -> Any: ...

    class Later(serializers.Serializer[Any]):
        inner = Inner()

    class Listing(ApiViewSet):
        permissions: ClassVar = {"list": None, "retrieve": None, "create": None, "destroy": None, "old": None}
        query_parameters: ClassVar = frozenset({"fields"})
        detail_query_parameters: ClassVar = frozenset({"fields"})
        row_serializer_class = Row

        @extend_schema(responses=Row(many=True))
        def list(self, request: Any) -> Any:
            return Response({"next": None, "previous": None, "results": []})

        @extend_schema(responses={(200, "application/json"): Later})
        def retrieve(self, request: Any) -> Any:
            if "missing" in request.path:
                raise NotFound
            return Response({"inner": {}})

        @extend_schema(request=None, responses={201: serializers.Serializer, 400: Row})
        def create(self, request: Any) -> Any:
            return Response({}, status=201)

        @extend_schema(responses={204: None})
        def destroy(self, request: Any) -> Any:
            return Response(status=204)

    class Old(ApiView):
        permissions: ClassVar = {"GET": None}

        @deprecated(since="2026-02-01", sunset="2027-02-01", instead="`/api/v1/things/` with a filter")
        def get(self, request: Any) -> Any:
            return Response({})

    return {"Row": Row, "Later": Later, "Listing": Listing, "Old": Old, "Inner": Inner}


@pytest.fixture(scope="module")
def made(_nothing_stays_declared: None) -> dict[str, Any]:
    return declare()


def test_nested_fields_are_found(made: dict[str, Any]) -> None:
    assert [path for path, _one in deprecated_members(made["Row"])] == [
        "old",
        "inner.a",
        "inners.a",
        "shown.a",
    ]
    assert [path for path, _one in deprecated_members(made["Later"](many=True))] == ["inner.a"]


def test_they_are_listed_by_the_day_they_end(made: dict[str, Any]) -> None:
    mine = [one.name for one in all_deprecations() if one.name.startswith(("Row", "Inner", "declare"))]
    assert mine == ["declare.<locals>.Old.get", "Row.old", "Inner.a"]


def test_an_answer_names_what_ends_first(call: Callable[..., Any], made: dict[str, Any]) -> None:
    answer = call(made["Listing"], actions={"get": "list"})
    assert answer["Deprecation"] == f"@{int(dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp())}"
    assert answer["Sunset"] == "Tue, 01 Jun 2027 00:00:00 GMT"
    assert answer["Link"] == (
        '</api/deprecations/>; rel="deprecation"; type="text/html", '
        '</api/deprecations/>; rel="sunset"; type="text/html"'
    )
    one = call(made["Listing"], actions={"get": "retrieve"}, detail=True)
    assert one["Sunset"] == "Wed, 01 Dec 2027 00:00:00 GMT"
    assert call(made["Old"])["Sunset"] == "Mon, 01 Feb 2027 00:00:00 GMT"


@pytest.mark.parametrize(
    ("fields", "sunset"),
    [
        ("id", None),
        ("id,plain", None),
        ("inner.b", None),
        ("old", "Tue, 01 Jun 2027 00:00:00 GMT"),
        ("id,inner", "Wed, 01 Dec 2027 00:00:00 GMT"),
        ("inner.a", "Wed, 01 Dec 2027 00:00:00 GMT"),
    ],
)
def test_who_leaves_it_out_is_told_nothing(
    call: Callable[..., Any], made: dict[str, Any], fields: str, sunset: str | None
) -> None:
    answer = call(made["Listing"], address=f"/api/v1/things/?fields={fields}", actions={"get": "list"})
    assert answer.status_code == 200
    assert answer.get("Sunset") == sunset
    assert ("Deprecation" in answer) is (sunset is not None)


def test_csv_says_it_beside_its_own_links(call: Callable[..., Any], made: dict[str, Any]) -> None:
    answer = call(made["Listing"], actions={"get": "list"}, headers={"Accept": "text/csv"})
    assert answer["Content-Type"].startswith("text/csv")
    assert "Deprecation" in answer
    assert answer["Link"].count("rel=") == 2


@pytest.mark.parametrize(
    ("method", "action", "address"),
    [
        ("post", "create", "/api/v1/things/"),
        ("delete", "destroy", "/api/v1/things/1/"),
        ("get", "retrieve", "/api/v1/things/missing/"),
    ],
)
def test_what_does_not_show_it_says_nothing(
    call: Callable[..., Any], made: dict[str, Any], method: str, action: str, address: str
) -> None:
    answer = call(made["Listing"], method, address, actions={method: action}, detail=action != "create")
    assert answer.status_code in (201, 204, 404)
    assert "Deprecation" not in answer


@pytest.mark.parametrize("sunset", ["2027-11-19", "2026-11-20", "2020-01-01"])
def test_less_than_a_year_is_no_notice(sunset: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="365"):
        deprecated(since="2026-11-20", sunset=sunset, instead="x")(lambda: None)


def test_a_field_that_is_not_there_cannot_go() -> None:
    with pytest.raises(ImproperlyConfigured, match="no field c"):

        @deprecated_field("c", **DAYS)
        class Nothing(serializers.Serializer[Any]):
            a = serializers.CharField()


def counted() -> float:
    text = metrics.exposition().decode()
    lines = [
        line
        for line in text.splitlines()
        if line.startswith("libraryhub_deprecated_total") and "Row.old" in line
    ]
    return sum(float(line.rpartition(" ")[2]) for line in lines if 'caller="person"' in line)


def test_every_use_is_counted_and_a_caller_is_named_once_a_day(
    call: Callable[..., Any], made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counted()
    now = clock.now()
    with capture_logs() as lines:
        for _time in range(3):
            call(made["Listing"], actions={"get": "list"}, by="reader")
        call(made["Listing"], actions={"get": "list"}, by="librarian")
        call(made["Listing"], actions={"get": "list"})
        monkeypatch.setattr(clock, "now", lambda: now + dt.timedelta(days=1))
        call(made["Listing"], actions={"get": "list"}, by="reader")
    assert counted() - before == 5
    said = [line for line in lines if line["event"] == "deprecated" and line["what"] == "Row.old"]
    assert len(said) == 3
    assert all(set(line) <= {"event", "what", "sunset", "log_level"} for line in said)
    assert "reader@" not in str(lines)


def test_what_was_told_does_not_grow_without_end(
    call: Callable[..., Any], made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deprecations, "_MOST_CALLERS", 2)
    for caller in ("reader", "librarian", "branch"):
        call(made["Listing"], actions={"get": "list"}, by=caller)
        assert len(deprecations._told) <= 2
