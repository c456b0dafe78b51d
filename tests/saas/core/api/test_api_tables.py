"""Lists as CSV: what goes in comes out again, whatever it is, and no cell is a formula."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from drf_spectacular.utils import extend_schema_field
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.response import Response

from saas.core.api.fields import MoneyField
from saas.core.api.renderers import dump
from saas.core.api.tables import cell, columns_of, defused, table
from saas.core.api.views import ApiView
from tests.tables import flat, read_table, restored, same


class Inner(serializers.Serializer[Any]):
    id = serializers.CharField()
    note = serializers.CharField(allow_null=True)


class Row(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    inner = Inner(allow_null=True)
    names = serializers.ListField(child=serializers.CharField())
    inners = Inner(many=True)
    price = MoneyField()
    shown = serializers.SerializerMethodField()
    described = serializers.SerializerMethodField()
    facts = serializers.JSONField()
    secret = serializers.CharField(write_only=True)

    @extend_schema_field(MoneyField(allow_null=True))
    def get_shown(self, row: Any) -> Any: ...

    @extend_schema_field({"type": "object", "properties": {"x": {"type": "string"}}})
    def get_described(self, row: Any) -> Any: ...


COLUMNS = [
    "id",
    "name",
    "inner.id",
    "inner.note",
    "names",
    "inners",
    "price.amount",
    "price.currency",
    "shown.amount",
    "shown.currency",
    "described.x",
    "facts",
]
# Everything that PostgreSQL keeps as text: no NUL, no half of a surrogate pair.
hostile = st.lists(
    st.sampled_from(["=", "+", "-", "@", "'", '"', ",", ";", "; ", "\\", " ", "\t", "\r", "\n", "\r\n"])
    | st.sampled_from(["=cmd|' /C calc'!A0", "è", "𝄞", "\uff1d", "\u00a0", "\ufeff", "null", "0", "x"])
    | st.characters(exclude_characters="\x00", exclude_categories=["Cs"]),
    max_size=12,
).map("".join)
plain_values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | hostile
json_values = st.recursive(
    plain_values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile, inner, max_size=3)
)
inner_rows = st.fixed_dictionaries({"id": hostile, "note": st.none() | hostile})
rows = st.fixed_dictionaries(
    {
        "id": hostile,
        "name": hostile,
        "inner": st.none() | inner_rows,
        "names": st.lists(hostile, max_size=4).filter(lambda found: found != [""]),
        "inners": st.lists(inner_rows, max_size=3),
        "price": st.fixed_dictionaries({"amount": hostile, "currency": hostile}),
        "shown": st.none() | st.fixed_dictionaries({"amount": hostile, "currency": hostile}),
        "described": st.none() | st.fixed_dictionaries({"x": plain_values}),
        "facts": json_values.filter(lambda found: found != [""]),
    }
)


def test_the_columns_are_those_of_the_serializer() -> None:
    assert [".".join(path) for path in columns_of(Row)] == COLUMNS


def test_an_empty_page_has_the_same_columns() -> None:
    assert table(columns_of(Row), []) == (",".join(COLUMNS) + "\r\n").encode()


@given(st.lists(rows, max_size=4))
def test_every_value_comes_back(found: list[dict[str, Any]]) -> None:
    header, read = read_table(table(columns_of(Row), found))
    assert header == COLUMNS
    assert len(read) == len(found)
    for row, cells in zip(found, read, strict=True):
        for column, value in flat(row, COLUMNS).items():
            assert same(value, cells[column]), (column, value, cells[column])


@given(hostile)
def test_defusing_can_be_undone(text: str) -> None:
    assert restored(defused(text)) == text


# What a spreadsheet looks at, however it splits: cells at commas or semicolons or tabs, rows at line breaks.
_FORMULA = re.compile("\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20]")


@given(hostile)
def test_no_part_that_a_spreadsheet_may_see_is_a_formula(text: str) -> None:
    if re.fullmatch(r"-[0-9]+(\.[0-9]+)?", text):
        assert defused(text) == text
        return
    for part in re.split(r"[;\t\r\n]", defused(text)):
        assert not _FORMULA.match(part), (text, defused(text))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        ("", ""),
        ([], ""),
        (True, "true"),
        (7, "7"),
        (-7, "-7"),
        (1.5, "1.5"),
        ("-3.50", "-3.50"),
        ("-3.50+1", "'-3.50+1"),
        ("=1+1", "'=1+1"),
        (" =1", "' =1"),
        ("\u00a0=1", "'\u00a0=1"),
        ("\uff1d1", "'\uff1d1"),
        ("+39 055", "'+39 055"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("a;=1", "a;'=1"),
        ("a\n=1", "a\n'=1"),
        ("'tis", "''tis"),
        ("it's = 1", "it's = 1"),
        (["a", "b"], "a; b"),
        (["a; b", "c\\"], "a\\; b; c\\\\"),
        (["a", "=1"], "a;' =1"),
        (["=1"], "'=1"),
        ([1, None, True], "1; null; true"),
        ([{"id": "7"}], '[{"id":"7"}]'),
        ({"a": [1]}, '{"a":[1]}'),
        ({}, "{}"),
    ],
)
def test_cells(value: Any, expected: str) -> None:
    assert cell(value) == expected


def test_a_text_of_line_breaks_costs_no_more_than_it_is_long() -> None:
    """Each of them is a place where a formula may begin; looking from each to the end would take minutes."""
    assert len(defused("\n" * 200_000 + " " * 200_000)) == 400_000


class Listing(ApiView):
    permissions: ClassVar = {"GET": None, "POST": None}
    row_serializer_class = Inner
    rows: ClassVar[list[dict[str, Any]]] = [{"id": "1", "note": None}, {"id": "2", "note": "x"}]
    next: ClassVar[str | None] = "http://testserver/api/v1/things/?cursor=n"
    previous: ClassVar[str | None] = "http://testserver/api/v1/things/?cursor=p"

    def page(self) -> Any:
        return {"next": self.next, "previous": self.previous, "results": self.rows}

    def get(self, request: Any) -> Any:
        return Response(self.page(), headers={"Cache-Control": "private"})

    def post(self, request: Any) -> Any:
        return Response(self.page(), status=201)


class ReadyListing(Listing):
    """One whose bytes are ready, as those of compiled reads are."""

    def get(self, request: Any) -> Any:
        from django.http import HttpResponse

        return HttpResponse(
            dump(self.page()), content_type="application/json", headers={"Cache-Control": "private"}
        )


class LastPage(Listing):
    next = previous = None


CSV = {"Accept": "text/csv"}


@pytest.mark.parametrize("view", [Listing, ReadyListing])
def test_a_list_in_csv(call: Callable[..., Any], view: type[Listing]) -> None:
    answer = call(view, headers=CSV)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content == b"id,note\r\n1,\r\n2,x\r\n"
    assert answer["Link"] == (
        '<http://testserver/api/v1/things/?cursor=n>; rel="next", '
        '<http://testserver/api/v1/things/?cursor=p>; rel="prev"'
    )
    assert answer["Content-Disposition"] == 'attachment; filename="list.csv"'
    assert answer["Cache-Control"] == "private"
    assert "Accept" in answer["Vary"]


@pytest.mark.parametrize("view", [Listing, ReadyListing])
def test_json_stays_what_it_was(call: Callable[..., Any], view: type[Listing]) -> None:
    answer = call(view)
    assert answer.content == dump(view().page())
    assert "Link" not in answer
    assert "Content-Disposition" not in answer
    assert "Accept" in answer["Vary"]


def test_the_only_page_has_no_links(call: Callable[..., Any]) -> None:
    assert "Link" not in call(LastPage, headers=CSV)


def test_what_is_no_list_has_no_csv(call: Callable[..., Any]) -> None:
    answer = call(Listing, "post", body={}, headers=CSV)
    assert answer.status_code == 406
    assert answer.data["available"] == ["application/json"]


def test_a_list_names_its_forms(call: Callable[..., Any]) -> None:
    answer = call(Listing, headers={"Accept": "application/pdf"})
    assert answer.status_code == 406
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.data["available"] == ["application/json", "text/csv"]
    assert "Accept" in answer["Vary"]


def test_the_tag_of_a_page_tells_form_and_neighbours(call: Callable[..., Any]) -> None:
    tags = {
        call(Listing)["ETag"],
        call(Listing, headers=CSV)["ETag"],
        call(LastPage, headers=CSV)["ETag"],
    }
    assert len(tags) == 3
    tag = call(Listing, headers=CSV)["ETag"]
    again = call(Listing, headers={**CSV, "If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert "Accept" in again["Vary"]
    for view, headers in ((Listing, {}), (LastPage, CSV)):
        assert call(view, headers={**headers, "If-None-Match": tag}).status_code == 200
