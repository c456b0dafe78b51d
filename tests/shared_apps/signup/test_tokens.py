"""Tokens of mailed links: computable again, unguessable, and useless to whoever reads the database."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from shared_apps.signup import tokens

ID = uuid.UUID("0d3f8a52-6f8e-4f5a-9a62-2f6f3f1f7f10")
NONCE = "00112233445566778899aabbccddeeff"


def test_a_token_can_be_computed_again_from_what_is_stored() -> None:
    token = tokens.token_for(ID, NONCE)
    assert tokens.rebuilt(ID, NONCE, tokens.digest_of(token)) == token
    assert len(token) == tokens.LENGTH
    assert all(char.isalnum() or char in "-_" for char in token)


def test_id_nonce_and_key_all_count() -> None:
    token = tokens.token_for(ID, NONCE)
    assert tokens.token_for(uuid.uuid4(), NONCE) != token
    assert tokens.token_for(ID, tokens.new_nonce()) != token
    assert tokens.token_for(ID, NONCE, key="another key") != token


def test_neither_the_digest_nor_the_nonce_is_the_token() -> None:
    token = tokens.token_for(ID, NONCE)
    digest = tokens.digest_of(token)
    assert token not in digest
    assert len(digest) == 64
    assert tokens.digest_of(digest) != digest


def test_nonces_differ() -> None:
    assert len({tokens.new_nonce() for _ in range(100)}) == 100


def test_a_link_outlives_the_change_of_the_secret_key(settings: Any) -> None:
    token = tokens.token_for(ID, NONCE)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new key that has taken the place of the old one"
    assert tokens.token_for(ID, NONCE) != token
    assert tokens.rebuilt(ID, NONCE, tokens.digest_of(token)) == token


def test_without_the_old_key_the_token_is_lost_and_said_to_be(settings: Any) -> None:
    digest = tokens.digest_of(tokens.token_for(ID, NONCE))
    settings.SECRET_KEY = "a new key that has taken the place of the old one"
    with pytest.raises(tokens.TokenLostError):
        tokens.rebuilt(ID, NONCE, digest)


def test_any_text_has_a_digest() -> None:
    for text in ("", "\ud800", "\x00", "é" * 10_000):
        assert len(tokens.digest_of(text)) == 64
