"""The query language: what is typed is understood, and nothing typed can break the database's notation."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tenant_apps.catalog.rules.queries import (
    MAX_TERMS,
    MAX_WORD_LENGTH,
    parse_query,
    quote_lexeme,
    whole_title_lexemes,
)


def terms(text: str) -> tuple[tuple[str, ...], ...]:
    return parse_query(text).terms


@pytest.mark.parametrize(
    ("typed", "tsquery"),
    [
        ("pride prejudice", "'pride' & 'prejudice':*"),
        ("  Pride   PREJUDICE  ", "'pride' & 'prejudice':*"),
        ("L'Été à Paris", "'l' & 'ete' & 'a' & 'paris':*"),
        ('"pride and prejudice"', "'pride' <-> 'and' <-> 'prejudice'"),
        ("“pride and prejudice” austen", "'pride' <-> 'and' <-> 'prejudice' & 'austen':*"),
        ("austen -emma", "'austen' & !('emma')"),
        ('austen -"pride and prejudice"', "'austen' & !('pride' <-> 'and' <-> 'prejudice')"),
        ("jean-paul sartre", "'jean' & 'paul' & 'sartre':*"),
        ("a", "'a'"),
        ("x -", "'x'"),
        ("C++ & !drop | (table)", "'c' & 'drop' & 'table':*"),
    ],
)
def test_what_is_typed_becomes_a_tsquery(typed: str, tsquery: str) -> None:
    assert parse_query(typed).tsquery == tsquery


def test_only_an_open_last_word_is_a_prefix() -> None:
    assert parse_query("har").prefix
    assert not parse_query('"har"').prefix
    assert not parse_query("potter -har").prefix
    assert not parse_query("h").prefix


def test_a_single_chinese_character_is_a_prefix_because_documents_hold_pairs() -> None:
    assert parse_query("山").tsquery == "'山':*"
    assert terms("東京都") == (("東京",), ("京都",))


@pytest.mark.parametrize(
    "typed",
    [
        "9780141439587",
        "978-0-14-143958-7",
        "978 0 14 143958 7",
        "0141439580",
        "0-14-143958-0",
        "ISBN 978-0-14-143958-7",
        "isbn:0141439580",
        "ISBN-13: 9780141439587",
        "978–0–14–143958–7",  # noqa: RUF001
    ],
)
def test_an_isbn_is_understood_in_any_form(typed: str) -> None:
    query = parse_query(typed)
    assert query.terms == (("9780141439587",),)
    assert not query.prefix


def test_an_isbn_among_words() -> None:
    assert terms("emma 0-14-143958-0") == (("emma",), ("9780141439587",))


def test_a_wrong_isbn_is_searched_as_it_stands() -> None:
    assert terms("9780141439580") == (("9780141439580",),)


def test_exclusions_alone_are_searched_for_instead() -> None:
    query = parse_query("-emma")
    assert (query.terms, query.excluded) == ((("emma",),), ())


def test_blank_and_hopeless() -> None:
    assert parse_query("   ").is_blank
    assert not parse_query("   ").is_hopeless
    assert parse_query("!!! ???").is_hopeless
    assert parse_query("!!! ???").tsquery == ""
    assert not parse_query("x").is_hopeless


def test_terms_and_words_are_bounded() -> None:
    query = parse_query(" ".join(f"w{at}" for at in range(200)))
    assert len(query.terms) == MAX_TERMS
    assert not query.prefix, "what was cut off can no longer be the beginning of a word"
    assert terms("x" * 400) == (("x" * MAX_WORD_LENGTH,),)


def test_words_leaves_out_what_must_not_occur() -> None:
    assert parse_query('jane "pride and" -emma jane').words == ("jane", "pride", "and")


def test_a_title_is_one_lexeme_with_and_without_its_article() -> None:
    assert whole_title_lexemes("The Hobbit") == ["=the hobbit", "=hobbit"]
    assert whole_title_lexemes("A") == ["=a"]
    assert whole_title_lexemes("?!") == []


def test_quoting_leaves_no_character_with_a_meaning() -> None:
    assert quote_lexeme(r"o'b\c") == r"'o''b\\c'"


@given(st.text(max_size=500))
@example("\x00")
@example('"')
@example('-"')
@example("''''\\\\")
@example("a" * 500)
@example("ISBN ISBN 0 0 0 0 0 0 0 0 0 0 0 0")
def test_anything_can_be_typed(text: str) -> None:
    query = parse_query(text)
    written = query.tsquery
    # Outside of quoted words there are operators alone, and each word is closed.
    assert written.count("'") % 2 == 0
    assert "\x00" not in written
    assert bool(written) == bool(query.terms)
    assert query.is_blank or query.is_hopeless or query.terms


@given(st.lists(st.from_regex(r"[a-zäöü]{2,12}", fullmatch=True), min_size=1, max_size=8))
def test_plain_words_are_all_required_in_their_order(words: list[str]) -> None:
    assert len(parse_query(" ".join(words)).terms) == len(words)
    assert parse_query(f'"{" ".join(words)}"').terms[0] == tuple(
        parse_query(" ".join(words)).terms[at][0] for at in range(len(words))
    )
