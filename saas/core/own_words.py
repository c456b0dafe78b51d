"""Passwords that are made of what everybody knows of their owner."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_MIN_OWN_WORD: Final = 4
_MIN_REST: Final = 4


def is_mostly_own_words(password: str, texts: Iterable[str]) -> bool:
    """Whether a password is little more than words that a guesser finds beside it (ASVS 6.2.11).

    `texts` are the library's name and address and the person's name and e-mail address. Their words of at
    least four letters are taken out; what is left must hold four letters of its own.
    """
    plain = _plain(password)
    words = {word for text in texts for word in re.findall(r"[^\W\d_]+", _plain(text))}
    rest = plain
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= _MIN_OWN_WORD:
            rest = rest.replace(word, " ")
    return rest != plain and sum(char.isalpha() for char in rest) < _MIN_REST


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))
