"""ISBD punctuation goes, the author's own stays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenant_apps.catalog.marc.punctuation import clean_imprint, clean_isbd


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("The hobbit /", "The hobbit"),
        ("The hobbit :", "The hobbit"),
        ("The hobbit =", "The hobbit"),
        ("The hobbit ;", "The hobbit"),
        ("The hobbit,", "The hobbit"),
        ("The hobbit :/", "The hobbit"),
        (": or there and back again", "or there and back again"),
        ("Poems.", "Poems"),
        ("Poems. /", "Poems"),
        ("Wait...", "Wait..."),
        ("...and justice for all", "...and justice for all"),
        ("Why?", "Why?"),
        ("Oliver!", "Oliver!"),
        ("24/7", "24/7"),
        ("Tolkien, J. R. R.", "Tolkien, J. R. R."),
        ("Sartre, J.-P.", "Sartre, J.-P."),
        ("Made in U.S.A.", "Made in U.S.A."),
        ("King, Martin Luther, Jr.", "King, Martin Luther, Jr."),
        ("Wiley & Sons, Inc.", "Wiley & Sons, Inc."),
        ("Grand Rapids, Mich.", "Grand Rapids, Mich."),
        ("Smith, John.", "Smith, John"),
        ("Vitamin c.", "Vitamin c"),
        ("Henry V.", "Henry V."),
        ("1984.", "1984"),
        ("[Letters]", "[Letters]"),
        ("[Washington, D.C.:", "Washington, D.C."),
        ("Paris]", "Paris"),
        ("[ ]", ""),
        ("!!!", "!!!"),
        ("÷", "÷"),
        ("/", ""),
        (" . ", ""),
        ("", ""),
    ],
)
def test_subfields_are_cleaned(text, cleaned):
    assert clean_isbd(text, 100) == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("London :", "London"),
        ("[Paris] :", "Paris"),
        ("[London] ; [New York]", "[London] ; [New York]"),
        ("Sydney [N.S.W.] :", "Sydney [N.S.W.]"),
        ("[S.l.] :", ""),
        ("[s.n.],", ""),
        ("S.l.", ""),
        ("[n.p.]", ""),
        ("[Place of publication not identified] :", ""),
        ("[publisher not identified],", ""),
        ("[Б. м.]", ""),
        ("Slough :", "Slough"),
        ("Penguin,", "Penguin"),
    ],
)
def test_imprints_lose_brackets_and_placeholders(text, cleaned):
    assert clean_imprint(text, 100) == cleaned


@settings(deadline=None)
@given(st.text(alphabet="aB. /:;=,[]+\u05d0", max_size=40), st.integers(1, 30))
def test_cleaning_never_makes_text_longer_or_leaves_blanks(text, limit):
    for cleaned in (clean_isbd(text, limit), clean_imprint(text, limit)):
        assert len(cleaned) <= limit
        assert cleaned == cleaned.strip()
