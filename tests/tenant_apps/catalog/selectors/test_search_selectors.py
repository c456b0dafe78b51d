"""What a search finds, in which order, and that it stays bounded."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from saas.core.tenancy import in_library
from tenant_apps.catalog.models import Contributor, Subject
from tenant_apps.catalog.rules.queries import parse_query
from tenant_apps.catalog.selectors import Filters, Page, facets_of, search_titles, suggestions_for
from tenant_apps.catalog.selectors import facets as facets_module
from tenant_apps.catalog.selectors import search as search_module
from tests.tenant_apps.catalog.records import NOW, add_copy, add_title, lend


def search(text: str, *, offset: int = 0, size: int = 20, **filters: Any) -> Page:
    return search_titles(parse_query(text), Filters(**filters), offset=offset, size=size)


def found(text: str, **options: Any) -> list[str]:
    return [hit.title for hit in search(text, **options).hits]


@pytest.fixture
def shelf(in_north: Any) -> Any:
    """A few well-known titles."""
    add_title(
        "Emma",
        by=["Austen, Jane"],
        subjects=["Matchmaking"],
        isbns=["9780141439587"],
        year=1815,
        language="eng",
    )
    add_title(
        "Jane Austen", subtitle="a life", by=["Tomalin, Claire"], subjects=["Emma"], year=1997, language="eng"
    )
    add_title("L'été à Paris", by=["Müller, Åsa"], year=2001, language="fre", material_type="film")
    add_title("Pride and Prejudice", by=["Austen, Jane"], year=1813, language="eng")
    add_title("東京物語", by=["小津安二郎"], language="jpn", material_type="film")
    return in_north


@pytest.mark.parametrize(
    ("typed", "titles"),
    [
        ("emma", ["Emma", "Jane Austen"]),
        ("EMMA austen", ["Emma", "Jane Austen"]),
        ("ete paris", ["L'été à Paris"]),
        ("L’ÉTÉ", ["L'été à Paris"]),  # noqa: RUF001
        ("muller", ["L'été à Paris"]),
        ("prejud", ["Pride and Prejudice"]),
        ('"pride and"', ["Pride and Prejudice"]),
        ('"prejudice pride"', []),
        ("austen -emma", ["Pride and Prejudice"]),
        ("0-14-143958-0", ["Emma"]),
        ("978 0 14 143958 7", ["Emma"]),
        ("東京", ["東京物語"]),
        ("京物", ["東京物語"]),
        ("小津", ["東京物語"]),
        ("matchmaking", ["Emma"]),
        ("1813", ["Pride and Prejudice"]),
        ("nothing like it", []),
    ],
)
def test_words_are_found_in_any_form(shelf: Any, typed: str, titles: list[str]) -> None:
    assert found(typed) == titles


def test_the_title_called_exactly_so_comes_first(in_north: Any) -> None:
    add_title("Hobbit Hobbit Hobbit", subjects=["Hobbit"])
    add_title("The Hobbit", subtitle="or there and back again")
    add_title("The Hobbit companion", by=["Hobbit, A."])
    for typed in ("hobbit", "The Hobbit", "the hobbit or there and back again"):
        assert found(typed)[0] == "The Hobbit", typed


def test_without_words_the_newest_come_first(shelf: Any) -> None:
    assert found("")[:2] == ["東京物語", "Pride and Prejudice"]


def test_an_exact_title_is_found_among_more_hits_than_are_ranked(
    in_north: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "RANKED", 3)
    monkeypatch.setattr(search_module, "RANKED_BY_TITLE", 2)
    for at in range(8):
        add_title(f"Common words {at}")
    add_title("Words")
    page = search("words")
    assert page.hits[0].title == "Words"
    assert page.count == 9
    assert not page.has_next


def test_counts_are_exact_up_to_the_limit(in_north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in range(4):
        add_title(f"Word {at}")
    assert (search("word").count, search("word").count_is_exact) == (4, True)
    monkeypatch.setattr(search_module, "COUNTED", 4)
    assert (search("word").count, search("word").count_is_exact) == (3, False)


def test_pages_follow_each_other_without_a_gap(in_north: Any) -> None:
    for at in range(7):
        add_title(f"Word {at}")
    pages = [search("word", offset=offset, size=3) for offset in (0, 3, 6)]
    assert [page.has_next for page in pages] == [True, True, False]
    titles = [hit.title for page in pages for hit in page.hits]
    assert len(titles) == len(set(titles)) == 7


def test_filters_narrow_and_values_of_one_kind_widen(shelf: Any) -> None:
    assert found("", language=("fre",)) == ["L'été à Paris"]
    assert set(found("", language=("fre", "jpn"))) == {"L'été à Paris", "東京物語"}
    assert found("", material_type=("film",), year=(2001,)) == ["L'été à Paris"]
    jane = Contributor.objects.get(name="Austen, Jane").pk
    assert set(found("", contributor=(jane,))) == {"Emma", "Pride and Prejudice"}
    emma = Subject.objects.get(heading="Emma").pk
    assert found("", subject=(emma,)) == ["Jane Austen"]


def test_availability_filters_respect_loans_and_flags(in_north: Any) -> None:
    for title, fields in {
        "shelf": {},
        "lent": {},
        "lost": {"lost_at": NOW},
        "damaged": {"damaged_at": NOW},
        "withdrawn": {"withdrawn_at": NOW},
        "reference": {"not_for_loan": True},
    }.items():
        copy = add_copy(add_title(title), f"B-{title}", **fields)
        if title == "lent":
            lend(copy)
    back = add_copy(add_title("returned"), "B-returned", branch="harbour")
    lend(back, returned=True)
    add_title("no copy")
    assert set(found("", available=True)) == {"shelf", "returned"}
    assert set(found("", available=False)) == {"lent", "lost", "damaged", "withdrawn", "reference", "no copy"}
    assert found("", branch=("harbour",)) == ["returned"]
    assert found("", branch=("nowhere",)) == []


def test_a_search_finds_nothing_of_another_library(shelf: Any, south: Any) -> None:
    with in_library(south):
        assert found("emma") == []
        assert search("").count == 0


# -- facets -----------------------------------------------------------------------------------------------------------


def facet(name: str, text: str = "", **filters: Any) -> dict[str, int]:
    found_facets = facets_of(parse_query(text), Filters(**filters))
    return {value.label or value.value: value.count for value in found_facets[name].values}


def test_facets_count_the_hits(shelf: Any) -> None:
    assert facet("language") == {"eng": 3, "fre": 1, "jpn": 1}
    assert facet("material_type") == {"book": 3, "film": 2}
    assert facet("contributor")["Austen, Jane"] == 2
    assert facet("subject", "emma") == {"Emma": 1, "Matchmaking": 1}


def test_a_facet_still_offers_the_other_values_of_its_own_filter(shelf: Any) -> None:
    assert facet("language", language=("fre",)) == {"eng": 3, "fre": 1, "jpn": 1}
    assert facet("material_type", language=("fre",)) == {"film": 1}
    assert facet("contributor", language=("fre",)) == {"Müller, Åsa": 1}


def test_branches_and_availability_as_facets(in_north: Any) -> None:
    both = add_title("Both")
    add_copy(both, "1")
    add_copy(both, "2", branch="harbour")
    lend(add_copy(add_title("Lent"), "3"))
    assert facet("branch") == {"Main": 1, "Harbour": 1}
    assert facet("available") == {"true": 1, "false": 1}


def test_facets_say_when_they_are_not_exact(shelf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert facets_of(parse_query(""), Filters())["language"].exact
    monkeypatch.setattr(facets_module, "FACETED", 2)
    found_facets = facets_of(parse_query(""), Filters())
    assert not found_facets["language"].exact
    assert sum(value.count for value in found_facets["language"].values) == 2


# -- suggestions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "first"),
    [("prejudise", "prejudice"), ("pride prejudise", "pride prejudice"), ("ausden jane", "austen jane")],
)
def test_misspelt_words_are_corrected(shelf: Any, typed: str, first: str) -> None:
    assert suggestions_for(parse_query(typed), Filters())[0] == first


def test_nothing_is_suggested_that_finds_nothing(shelf: Any) -> None:
    assert suggestions_for(parse_query("prejudise 1999"), Filters()) == []
    assert suggestions_for(parse_query("prejudise"), Filters(language=("fre",))) == []
    assert suggestions_for(parse_query("xyzzy"), Filters()) == []
    assert suggestions_for(parse_query("!!!"), Filters()) == []


# -- bounds -----------------------------------------------------------------------------------------------------------


def statements(text: str) -> int:
    with CaptureQueriesContext(connection) as context:
        search(text)
        facets_of(parse_query(text), Filters())
    return len(context)


@pytest.mark.parametrize("text", ["word", ""])
def test_the_number_of_statements_is_that_of_one_hit(in_north: Any, text: str) -> None:
    def fill(name: str) -> None:
        title = add_title(f"Word {name}", by=[f"Author, {name}", f"Second, {name}"], subjects=[f"S {name}"])
        lend(add_copy(title, f"{name}-1"))
        add_copy(title, f"{name}-2", branch="harbour")

    fill("one")
    single = statements(text)
    fill("two")
    fill("three")
    assert statements(text) == single <= 11


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=120))
@example(text="\x00")
@example(text="' OR 1=1 --")
@example(text="a:* & !b | (c <-> d)")
@example(text="\\' \\\\ ''")
@example(text='"' * 50)
@example(text="%_%" * 30)
@example(text="-" * 60)
@example(text="\ud7ff\U0001f4da 🏴‍☠️")
def test_nothing_that_can_be_typed_breaks_the_search(shelf: Any, text: str) -> None:
    query = parse_query(text)
    page = search_titles(query, Filters(), offset=0, size=5)
    facets_of(query, Filters())
    suggestions_for(query, Filters())
    assert page.count >= len(page.hits) or not page.count_is_exact
