"""Sealed for one library, one purpose and one place; and the key may change."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from saas.core.sealing import Unsealable, is_of_old_key, seal, unseal
from saas.core.tenancy import in_library, in_public

pytestmark = pytest.mark.django_db
SECRET = "a secret, and ünïcode"
OLD, NEW = "old-" + "0123456789abcdef" * 4, "new-" + "0123456789abcdef" * 4


def sealed(purpose: str = "federation", place: str = "row 1") -> str:
    return seal(SECRET, purpose=purpose, place=place)


def test_what_was_sealed_is_read_again(in_north: Any) -> None:
    stored = sealed()
    assert unseal(stored, purpose="federation", place="row 1") == SECRET
    assert SECRET not in stored
    assert stored.isascii()
    assert stored != sealed(), "each time another"


def test_it_opens_nowhere_else(north: Any, south: Any) -> None:
    with in_library(north):
        stored = sealed()
    for where in (in_library(south), in_public()):
        with where, pytest.raises(Unsealable):
            unseal(stored, purpose="federation", place="row 1")
    with in_library(north):
        for purpose, place in (("other", "row 1"), ("federation", "row 2"), ("federation", "")):
            with pytest.raises(Unsealable):
                unseal(stored, purpose=purpose, place=place)
        assert unseal(stored, purpose="federation", place="row 1") == SECRET


def test_whatever_was_changed_is_unreadable(in_north: Any) -> None:
    stored = sealed()
    raw = bytearray(base64.urlsafe_b64decode(stored.removeprefix("1.")))
    for at in range(len(raw)):
        raw[at] ^= 1
        changed = "1." + base64.urlsafe_b64encode(raw).decode()
        raw[at] ^= 1
        with pytest.raises(Unsealable):
            unseal(changed, purpose="federation", place="row 1")
    for bad in ("", "1.", "2." + stored[2:], stored[:-4], stored + "AAAA", "1.%%%", SECRET, stored[2:]):
        with pytest.raises(Unsealable):
            unseal(bad, purpose="federation", place="row 1")


def test_a_rotated_key_still_reads_and_says_so(in_north: Any, settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    stored = sealed()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert unseal(stored, purpose="federation", place="row 1") == SECRET
    assert is_of_old_key(stored, purpose="federation", place="row 1")
    assert not is_of_old_key(sealed(), purpose="federation", place="row 1")
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(Unsealable):
        unseal(stored, purpose="federation", place="row 1")
