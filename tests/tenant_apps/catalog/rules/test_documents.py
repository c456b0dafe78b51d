"""Search vectors and vocabulary: what is written is what a query's words are cut into."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tenant_apps.catalog.marc import extract
from tenant_apps.catalog.rules.documents import (
    FIELD_GAP,
    MAX_POSITION,
    MAX_POSITIONS,
    search_vector,
    title_vector,
    vocabulary,
)
from tests.tenant_apps.catalog.records import parsed

EMMA = extract(
    parsed(
        "Emma",
        subtitle="a novel",
        by=["Austen, Jane"],
        subjects=["Matchmaking"],
        isbns=["0141439580"],
        year=1815,
        publisher="John Murray",
        summary="Emma Woodhouse, handsome and rich",
    )
)


def lexemes(vector: str) -> dict[str, str]:
    """Words of a vector with their positions and weights."""
    return dict(re.findall(r"'((?:[^'\\]|''|\\\\)+)':(\S+)", vector))


def test_each_word_has_the_weight_of_its_field() -> None:
    found = lexemes(search_vector(EMMA))
    assert found["novel"].endswith("A")
    assert found["austen"].endswith("B")
    assert found["matchmaking"].endswith("C")
    assert found["9780141439587"].endswith("D")
    assert found["1815"].endswith("D")
    assert found["woodhouse"].endswith("D")


def test_a_word_in_several_fields_has_all_its_places() -> None:
    assert {mark[-1] for mark in lexemes(search_vector(EMMA))["emma"].split(",")} == {"A", "D"}


def test_no_phrase_runs_from_one_field_into_the_next() -> None:
    found = lexemes(search_vector(EMMA))
    title, name = (int(found[word].split(",")[0][:-1]) for word in ("novel", "austen"))
    assert name - title > FIELD_GAP


def test_the_title_vector_holds_the_titles_alone_and_each_whole() -> None:
    found = lexemes(title_vector(EMMA))
    assert "austen" not in found
    assert {"emma", "novel", "=emma", "=a novel", "=novel", "=emma a novel"} <= found.keys()


def test_a_title_without_a_letter_has_empty_vectors() -> None:
    assert title_vector(replace(EMMA, title="?!", subtitle="")) == ""


def test_the_vocabulary_holds_folded_words_of_letters() -> None:
    facts = extract(parsed("Été 1900", by=["Müller, Åsa"], subjects=["Rock'n'roll"]))
    assert vocabulary(facts) == {"ete", "muller", "asa", "rock", "roll"}


def test_places_are_bounded_as_postgresql_bounds_them() -> None:
    facts = replace(EMMA, summary="lorem " * 20_000, contents="")
    marks = lexemes(search_vector(facts))["lorem"].split(",")
    assert len(marks) == MAX_POSITIONS
    many = replace(EMMA, summary=" ".join(f"w{at}" for at in range(3_000)), variant_titles=("x y z",) * 5_000)
    highest = max(int(mark[:-1]) for mark in re.findall(r"\d+[A-D]", search_vector(many)))
    assert highest == MAX_POSITION


@given(st.text(max_size=200))
def test_any_text_gives_a_well_formed_vector(text: str) -> None:
    vector = search_vector(replace(EMMA, title=text, summary=text))
    assert "\x00" not in vector
    rest = re.sub(r"'(?:[^'\\]|''|\\\\)+':\d+[A-D](?:,\d+[A-D])*", "", vector)
    assert rest.strip() == ""
