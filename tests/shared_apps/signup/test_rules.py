"""Pure rules: names in mails, passwords made of one's own name."""

from __future__ import annotations

import pytest

from shared_apps.signup import rules

OWN = ("Riverside Town Library", "riverside", "Anna Müller", "anna.mueller@river.example")


@pytest.mark.parametrize(
    "password",
    [
        "riverside2026",
        "Riverside!!!1",
        "RIVERSIDElibrary",
        "library-riverside-town",
        "annamuller1999",
        "müller-anna-1",
        "mueller.anna.9",
    ],
)
def test_passwords_of_own_words_are_refused(password: str) -> None:
    assert rules.is_mostly_own_words(password, OWN)


@pytest.mark.parametrize(
    "password",
    ["correct-horse-battery", "riverside-otter-lamp", "x7#kQ92!plTT", "123456789012", "anna eats plums"],
)
def test_other_passwords_pass(password: str) -> None:
    assert not rules.is_mostly_own_words(password, OWN)


def test_short_words_of_a_name_do_not_count() -> None:
    assert not rules.is_mostly_own_words("ana12345678", ("Ana Li", "ali"))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Riverside Library", None),
        ("Biblioteca comunale «S. Rocco», Torino", None),
        ("مكتبة المدينة", None),
        ("Win at http://evil.example", "links_not_allowed"),
        ("Go to WWW.evil.example", "links_not_allowed"),
        ("<b>Library</b>", "links_not_allowed"),
        ("Library \u202eyrarbil", "bad_characters"),
    ],
)
def test_names_that_have_no_place_in_a_mail(name: str, code: str | None) -> None:
    assert rules.name_problem(name) == code
