"""Which passwords may be set, and how they are kept."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from argon2.low_level import Type
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, get_hasher, make_password

from saas.core.errors import ValidationFailed
from saas.core.tenancy import in_library
from saas.settings import auth
from shared_apps.accounts.models import User
from shared_apps.accounts.services import check_new_password

LEA = User(email="lea.bauer@north.example", name="Leonora Bauer")


def problems(password: str, library: Any) -> set[str]:
    with in_library(library):
        try:
            check_new_password(password, LEA, field="password")
        except ValidationFailed as refusal:
            return {problem.code for problem in refusal.errors}
    return set()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("nine-char", "password_too_short"),
        ("x" * 257, "max_length"),
        ("1234567890", "password_too_common"),
        ("qwertyuiop", "password_too_common"),
        ("Password2026!", "password_too_common"),
        ("P@ssw0rd12345", "password_too_common"),
        ("!!elephant1989", "password_too_common"),
        ("sunshinesunshine", "password_too_common"),
        ("abcabcabcabcabc", "password_too_common"),
        ("aaaaaaaaaaaa", "password_too_common"),
        ("zyxwvutsrqponm", "password_too_common"),
        ("lkjhgfdsapoiu", "password_too_common"),
        ("lea.bauer@north.example", "password_too_similar"),
        ("leonora-bauer-7", "password_own_words"),
        ("NORTHlibrary2026", "password_own_words"),
        ("north--library", "password_own_words"),
    ],
)
def test_what_a_guesser_tries_is_refused(north: Any, password: str, code: str) -> None:
    assert code in problems(password, north)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "password",
    [
        "correct-horse-battery",
        "seven wild ponies sing",
        "ten-chars!",
        "x" * 3 + "Q7#lm9 " * 36,
        "  spaces count  ",
        "пароль из слов",
        "🐎🔋📎🎈🌙🍋🚲🧭🥁🎻",
        "elephant-and-3-plums",
    ],
)
def test_others_are_taken(north: Any, password: str) -> None:
    assert problems(password, north) == set()


@pytest.mark.django_db
def test_a_library_bans_its_own_words_alone(north: Any, south: Any) -> None:
    assert "password_own_words" in problems("north--library", north)
    assert "password_own_words" not in problems("north--people!", south)


def test_a_password_is_taken_letter_by_letter(settings: Any) -> None:
    """Nothing is trimmed or normalised: what looks alike may be another password (ASVS 6.2.8)."""
    settings.PASSWORD_HASHERS = auth.PASSWORD_HASHERS
    composed = unicodedata.normalize("NFC", " pässword-für-ärzte ")
    stored = make_password(composed)
    assert check_password(composed, stored)
    for other in (unicodedata.normalize("NFD", composed), composed.strip(), composed.upper()):
        assert other != composed
        assert not check_password(other, stored)


def test_spaces_around_a_password_survive_the_way_in(db: None, person: Any, sign_in: Any, north: Any) -> None:
    person(password="  seven wild ponies  ")
    assert sign_in(password="  seven wild ponies  ").status_code == 200
    assert sign_in(password="seven wild ponies").status_code == 401


def test_passwords_are_hashed_as_owasp_asks(settings: Any) -> None:
    """Argon2id with at least 19 MiB and two passes (OWASP Password Storage Cheat Sheet), or 46 MiB and one."""
    settings.PASSWORD_HASHERS = auth.PASSWORD_HASHERS
    hasher = get_hasher("default")
    assert isinstance(hasher, Argon2PasswordHasher)
    parameters = hasher.params()
    assert parameters.type is Type.ID
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2 or parameters.memory_cost >= 46 * 1024
    assert parameters.salt_len >= 16
    assert make_password("seven wild ponies").startswith("argon2$argon2id$")
