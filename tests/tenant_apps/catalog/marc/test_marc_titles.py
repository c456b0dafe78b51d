"""Titles: parts, remainder, sorting."""

import pytest

from tenant_apps.catalog.marc import DataField, Subfield
from tenant_apps.catalog.marc.titles import main_title, nonfiling_characters, sort_title, subtitle


def field(content: str, tag: str = "245") -> DataField:
    indicators, *parts = content.split("$")
    return DataField(tag, indicators, tuple(Subfield(part[:1], part[1:]) for part in parts))


@pytest.mark.parametrize(
    ("content", "title", "remainder"),
    [
        ("10$aThe hobbit :$bor there and back again /$cTolkien", "The hobbit", "or there and back again"),
        ("10$aFaust.$n2,$pDer Tragödie zweiter Teil /$cG.", "Faust. 2, Der Tragödie zweiter Teil", ""),
        ("10$aHarry Potter.$pThe stone", "Harry Potter. The stone", ""),
        ("10$aMusic$h[sound recording] :$bfor all /$cX.", "Music", "for all"),
        ("10$aOne =$bUno :$bsub", "One", "Uno : sub"),
        ("00$kRecords,$f1939-1973", "Records", ""),
        ("00$bonly a remainder", "only a remainder", ""),
        ("00$f1939", "1939", ""),
        ("00$a!!!", "!!!", ""),
        ("00$a÷", "÷", ""),
        ("00$a /$n1", "1", ""),
        ("00$c by nobody", "", ""),
    ],
)
def test_title_and_remainder(content, title, remainder):
    assert (main_title(field(content)), subtitle(field(content))) == (title, remainder)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("14$aThe hobbit :$bor there", "hobbit or there"),
        ("12$aL'altra faccia /", "altra faccia"),
        ("04$aDer Zauberberg.$n1", "zauberberg 1"),
        ("11$a\u05d4\u05e1\u05e4\u05e8", "\u05e1\u05e4\u05e8"),
        ("10$aThe The", "the the"),
        ("1 $aThe hobbit", "the hobbit"),
        ("1x$aThe hobbit", "the hobbit"),
        ("19$aShort", "short"),  # more characters than there are
        ("10$a\x98The \x9chobbit", "hobbit"),
        ("14$a\x98The \x9chobbit", "hobbit"),  # both ways at once
        ("00$kRecords", "records"),
        ("00$a!!!", "!!!"),
    ],
)
def test_articles_do_not_count_in_sorting(content, key):
    assert sort_title(field(content)) == key


def test_nonfiling_characters_are_the_indicator_of_245_alone():
    assert nonfiling_characters(field("14$aThe x")) == 4
    assert nonfiling_characters(field("1 $aThe x")) == 0
    assert nonfiling_characters(field("14$aThe x", tag="2 4")) == 0


def test_long_titles_are_bounded():
    long = field("10$a" + "word " * 1_000)
    assert len(main_title(long)) <= 1_000
    assert len(sort_title(long)) <= 200
