"""Passwords made of one's own name."""

from __future__ import annotations

import pytest

from saas.core.own_words import is_mostly_own_words

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
    assert is_mostly_own_words(password, OWN)


@pytest.mark.parametrize(
    "password",
    ["correct-horse-battery", "riverside-otter-lamp", "x7#kQ92!plTT", "123456789012", "anna eats plums"],
)
def test_other_passwords_pass(password: str) -> None:
    assert not is_mostly_own_words(password, OWN)


def test_short_words_of_a_name_do_not_count() -> None:
    assert not is_mostly_own_words("ana12345678", ("Ana Li", "ali"))
