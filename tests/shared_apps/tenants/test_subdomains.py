"""Names of libraries: which are taken as they are, which are mapped, which are refused and why."""
# ruff: noqa: RUF001  look-alike letters are what this is about

from __future__ import annotations

import json
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_apps.tenants.reserved_names import RESERVED, is_reserved
from shared_apps.tenants.subdomains import (
    MAX_LENGTH,
    MAX_SUGGESTIONS,
    REASONS,
    SubdomainRefused,
    display,
    lookalike,
    normalise,
    suggestions,
)


def refusal(wanted: str) -> str | None:
    """The reason why a name is refused, None where it is accepted."""
    try:
        normalise(wanted)
    except SubdomainRefused as refused:
        return refused.reason
    return None


@pytest.mark.parametrize(
    ("wanted", "label"),
    [
        ("riverside", "riverside"),
        ("  RiverSide ", "riverside"),
        ("st-mary-2", "st-mary-2"),
        ("3rd-ward", "3rd-ward"),
        ("abc", "abc"),
        ("a" * 40, "a" * 40),
        ("ｈｉｌｌcrest", "hillcrest"),  # full-width letters are the same letters
        ("İstanbul", "istanbul"),
        ("münchen", "xn--mnchen-3ya"),
        ("MÜNCHEN", "xn--mnchen-3ya"),
        ("mu\u0308nchen", "xn--mnchen-3ya"),  # the same word, decomposed
        ("xn--mnchen-3ya", "xn--mnchen-3ya"),
        ("XN--MNCHEN-3YA", "xn--mnchen-3ya"),
        ("москва", "xn--80adxhks"),
        ("日本の図書館", "xn--u9jt37i54jr5amh555y"),  # Han and Hiragana belong together
        ("서울도서관", "xn--zb0b81k1qmba292e"),
        ("مكتبة", "xn--ngbcb3hj"),
    ],
)
def test_good_names_get_the_label_that_dns_uses(wanted: str, label: str) -> None:
    assert normalise(wanted) == label
    assert label.isascii()


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("", "too_short"),
        ("   ", "too_short"),
        ("ab", "too_short"),
        ("東京", "too_short"),
        ("a" * 41, "too_long"),
        ("a" * 100_000, "too_long"),
        ("図書館日本東京大阪京都神戸名古屋札幌福岡仙台広島千葉", "too_long"),  # 63 bytes are too few
        ("-abc", "bad_characters"),
        ("abc-", "bad_characters"),
        ("a--bc", "bad_characters"),
        ("ab--cd", "bad_characters"),  # reserved by RFC 5891, section 4.2.3.1
        ("river_side", "bad_characters"),
        ("river side", "bad_characters"),
        ("river.side", "bad_characters"),
        ("river。side", "bad_characters"),  # an ideographic full stop is a dot
        ("river/../side", "bad_characters"),
        ("<script>", "bad_characters"),
        ("river\x00side", "bad_characters"),
        ("river\nside", "bad_characters"),
        ("river\u200dside", "bad_characters"),
        ("\u202eedisrevir", "bad_characters"),
        ("a\u030abc\u0325de", "bad_characters"),
        ("river\U0001f4da", "bad_characters"),
        ("12345", "bad_characters"),
        ("1-2-3", "bad_characters"),
        ("٣٤٥٦", "bad_characters"),
        ("xn--", "bad_characters"),
        ("xn--zzzzzz", "bad_characters"),
        ("xn--riverside-", "bad_characters"),
        ("rivеrside", "mixed_script"),  # a Cyrillic letter among Latin ones
        ("αdelphi", "mixed_script"),
        ("library東京", "mixed_script"),
        ("аррӏе", "mixed_script"),  # wholly Cyrillic, reads as Latin
        ("xn--80ak6aa92e", "mixed_script"),  # the same, already encoded
        ("www", "reserved"),
        ("WWW", "reserved"),
        ("ｗｗｗ", "reserved"),
        ("api", "reserved"),
        ("ádmin", "reserved"),
        ("admın", "reserved"),  # a dotless i
        ("pg-catalog", "reserved"),
        ("pg_catalog", "bad_characters"),
        ("select", "reserved"),
        ("mta-sts", "reserved"),
        ("www2", "reserved"),
        ("ns-1", "reserved"),
    ],
)
def test_bad_names_are_refused_with_their_reason(wanted: str, reason: str) -> None:
    assert refusal(wanted) == reason


def test_every_reserved_word_is_refused_whatever_its_case() -> None:
    assert len(RESERVED) > 300
    for word in RESERVED:
        assert is_reserved(word)
        assert refusal(word.upper()) in {"reserved", "too_short", "bad_characters"}


def test_a_name_that_only_begins_like_a_reserved_one_is_free() -> None:
    for wanted in ("apiary", "wwwoods", "mailbox-street", "selected-works", "northside"):
        assert refusal(wanted) is None


@given(st.text(max_size=80))
def test_any_text_is_either_refused_or_becomes_one_dns_label(wanted: str) -> None:
    reason = refusal(wanted)
    if reason is not None:
        assert reason in REASONS
        return
    label = normalise(wanted)
    assert 3 <= len(label) <= 63
    assert set(label) <= set(string.ascii_lowercase + string.digits + "-")
    assert not label.startswith("-")
    assert not label.endswith("-")
    assert normalise(label) == label
    assert normalise(display(label)) == label


def test_no_look_alike_letter_makes_a_second_riverside(test_data: Path) -> None:
    """Each character that Unicode lists as confusable with an ASCII letter, put into a Latin word."""
    confusables = json.loads((test_data / "badinput/unicode/confusables.json").read_text(encoding="utf-8"))
    tried = 0
    for letter in "riverside":
        for twin in confusables.get(letter, []):
            char = twin["c"]
            if len(char) != 1 or char.isascii():
                continue
            tried += 1
            wanted = "riverside".replace(letter, char, 1)
            reason = refusal(wanted)
            if reason is None:
                name = twin["n"]
                mapped = normalise(wanted).isascii()  # UTS 46 made it the letter itself
                assert mapped or name.startswith("LATIN"), f"{wanted} with {name} passed"
    assert tried > 100


@pytest.mark.parametrize(
    ("wanted", "read_as"),
    [
        ("riverside", "riverside"),
        ("ríverside", "riverside"),
        ("rɪverside", "riverside"),
        ("münchen", "munchen"),
        ("library-ꞙ", "library-f"),
        ("библиотека", normalise("библиотека")),
        ("图书馆学", normalise("图书馆学")),
    ],
)
def test_what_a_hurried_reader_sees(wanted: str, read_as: str) -> None:
    assert lookalike(normalise(wanted)) == read_as


def test_display_gives_back_what_people_read() -> None:
    assert display("xn--mnchen-3ya") == "münchen"
    assert display("riverside") == "riverside"
    assert display("xn--zzzzzz") == "xn--zzzzzz"


# -- suggestions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted",
    ["riverside", "admin", "Stadt München!", "a", "!!", "", "x" * 300, "москва", "аррӏе", "12345", "-ab-"],
)
def test_suggestions_are_within_the_rules_and_different(wanted: str) -> None:
    found = suggestions(wanted, lambda label: True)
    assert 1 <= len(found) <= MAX_SUGGESTIONS
    assert len(set(found)) == len(found)
    for name in found:
        assert refusal(name) is None
        assert len(name) <= MAX_LENGTH


def test_suggestions_leave_out_what_is_taken() -> None:
    taken = {"riverside", "riverside-library", "riverside-lib"}
    found = suggestions("riverside", lambda label: label not in taken)
    assert found
    assert not taken & set(found)
    assert all("riverside" in name for name in found)


def test_suggestions_ask_a_bounded_number_of_times() -> None:
    asked: list[str] = []

    def nothing_is_free(label: str) -> bool:
        asked.append(label)
        return False

    assert suggestions("riverside", nothing_is_free) == []
    assert len(asked) <= 10


def test_a_name_in_another_script_gets_no_latin_words() -> None:
    taken = normalise("москва")
    found = suggestions("москва", lambda label: label != taken)
    assert "москва-2" in found
    assert not any(char in string.ascii_letters for name in found for char in name)
