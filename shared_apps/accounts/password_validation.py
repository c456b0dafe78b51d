"""Passwords that a guesser tries first."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# 30,000 passwords of known breaches, the list of zxcvbn (MIT, data/LICENSE.txt); with Django's own, 40,000.
_LIST: Final = Path(__file__).parent / "data" / "common_passwords.txt.gz"
# So many characters that are no letters, around a word that is common, do not make it another one.
_MAX_TRIMMINGS: Final = 8
_LEET: Final = str.maketrans("4@301!57$", "aaeoiists")
_RUNS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
)


@cache
def _breached() -> frozenset[str]:
    with gzip.open(_LIST, "rt", encoding="utf-8") as file:
        return frozenset(file.read().split())


class GuessablePasswordValidator(CommonPasswordValidator):
    """Refuses common and breached passwords, also dressed up, repeated, or typed along the keyboard (ASVS 6.2.4)."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError for a password that a guesser tries early."""
        text = password.casefold().strip()
        if self._is_common(text) or _is_run(text) or self._is_repeated(text):
            raise ValidationError(_("This password is too common."), code="password_too_common")

    def _is_common(self, text: str) -> bool:
        if self._is_listed(text):
            return True
        word = text.strip("0123456789 !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
        if word and len(text) - len(word) <= _MAX_TRIMMINGS and self._is_listed(word):
            return True
        return self._is_listed(text.translate(_LEET)) or self._is_listed(word.translate(_LEET))

    def _is_listed(self, text: str) -> bool:
        return text in self.passwords or text in _breached()

    def _is_repeated(self, text: str) -> bool:
        """Whether the text is one short or common part, over and over."""
        at = (text + text).find(text, 1)
        return at < len(text) and (at <= 4 or self._is_common(text[:at]))


def _is_run(text: str) -> bool:
    """Whether the text lies in one row of the alphabet, the digits or a keyboard, forwards or backwards."""
    rows = [row * 2 for run in _RUNS for row in (run, run[::-1])]
    return any(text in row for row in rows)
