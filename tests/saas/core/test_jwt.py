"""Tokens are true in one library alone, and simplejwt still reads what we replace in it."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.test import override_settings
from rest_framework_simplejwt import authentication, state, tokens
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken, TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, UntypedToken

from saas.core.jwt import (
    MAX_TOKEN_LENGTH,
    LibraryTokenBackend,
    claimed_issuer,
    is_own_token,
    library_keys,
    library_name,
    matches_password,
    password_fingerprint,
)
from saas.core.tenancy import LibraryContext, in_library


def library(name: str, **changes: Any) -> LibraryContext:
    values = {
        "id": uuid.uuid5(uuid.NAMESPACE_DNS, name),
        "schema_name": f"lib_{name}",
        "subdomain": name,
        "name": name.title(),
        "status": "active",
        "plan": "free",
        "primary_host": f"{name}.localhost",
    }
    return LibraryContext(**{**values, **changes})


NORTH, SOUTH = library("north"), library("south")
BACKEND = LibraryTokenBackend()


@pytest.fixture
def inside() -> Iterator[LibraryContext]:
    with in_library(NORTH):
        yield NORTH


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"token_type": "access", "sub": "1", "jti": "j", "iat": now, "exp": now + 60, **changes}


def signed(payload: dict[str, Any], *, key: bytes | None = None, **headers: Any) -> str:
    """A token made by hand with the current library's key, to see what the backend alone refuses."""
    return jwt.encode(payload, key or next(library_keys("jwt")), algorithm="HS256", headers=headers or None)


def complete(**changes: Any) -> dict[str, Any]:
    payload = claims(iss=library_name(), aud=library_name(), **changes)
    return {"nbf": payload["iat"], **payload}


# -- what simplejwt must go on doing ------------------------------------------------------------------------


def test_simplejwt_signs_and_checks_through_our_backend() -> None:
    assert isinstance(state.token_backend, LibraryTokenBackend)
    assert AccessToken().get_token_backend() is state.token_backend
    assert RefreshToken().get_token_backend() is state.token_backend
    assert UntypedToken.__init__ is tokens.Token.__init__


def test_simplejwt_remembers_the_password_by_our_fingerprint() -> None:
    assert vars(tokens)["get_md5_hash_password"] is password_fingerprint
    assert vars(authentication)["get_md5_hash_password"] is password_fingerprint

    class Person:
        id, password, is_active = 7, "argon2$...", True

    token = AccessToken.for_user(Person())  # type: ignore[type-var]
    assert matches_password(token["pwd"], "argon2$...")
    assert not matches_password(token["pwd"], "argon2$other")


def test_tokens_carry_every_time_and_name(inside: LibraryContext) -> None:
    token = AccessToken()
    token["sub"] = "1"
    payload = BACKEND.decode(str(token))
    assert payload["iss"] == payload["aud"] == str(inside.id)
    assert payload["nbf"] == payload["iat"] <= time.time() < payload["exp"] <= payload["iat"] + 600
    assert payload["jti"]
    assert payload["token_type"] == "access"
    refresh = RefreshToken()
    assert timedelta(seconds=refresh["exp"] - refresh["iat"]) == timedelta(days=14)


# -- one library --------------------------------------------------------------------------------------------


def test_a_token_is_good_where_it_was_made_and_nowhere_else() -> None:
    with in_library(NORTH):
        token = BACKEND.encode(claims())
        assert BACKEND.decode(token)["sub"] == "1"
    with in_library(SOUTH), pytest.raises(TokenBackendError):
        BACKEND.decode(token)
    with pytest.raises(TokenBackendError):
        BACKEND.decode(token)


def test_a_token_of_the_public_site_is_good_there_alone() -> None:
    token = BACKEND.encode(claims())
    assert BACKEND.decode(token)["aud"] == "public"
    with in_library(NORTH), pytest.raises(TokenBackendError):
        BACKEND.decode(token)


@pytest.mark.parametrize("changes", [{"id": uuid.uuid4()}, {"schema_name": "lib_other"}])
def test_a_new_library_of_the_same_name_has_another_key(changes: dict[str, Any]) -> None:
    with in_library(NORTH):
        token = BACKEND.encode(claims())
        keys = list(library_keys("jwt"))
    with in_library(library("north", **changes)):
        assert list(library_keys("jwt")) != keys
        with pytest.raises(TokenBackendError):
            BACKEND.decode(token)
    with in_library(library("north")):
        assert BACKEND.decode(token)["sub"] == "1"


def test_each_purpose_has_its_own_key(inside: LibraryContext) -> None:
    assert next(library_keys("jwt")) != next(library_keys("password"))
    assert len(next(library_keys("jwt"))) == 32


def test_a_neighbours_name_does_not_help_without_its_key() -> None:
    with in_library(SOUTH):
        names = complete()
    with in_library(NORTH):
        key_of_north = next(library_keys("jwt"))
    with in_library(SOUTH):
        with pytest.raises(TokenBackendError):
            BACKEND.decode(signed(names, key=key_of_north))
        assert BACKEND.decode(signed(names))["aud"] == str(SOUTH.id)


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", str(SOUTH.id)),
        ("iss", "public"),
        ("aud", str(SOUTH.id)),
        ("aud", "public"),
        ("aud", None),
        ("aud", [str(NORTH.id), str(SOUTH.id)]),
    ],
)
def test_issuer_and_audience_are_checked_beside_the_key(
    inside: LibraryContext, claim: str, value: Any
) -> None:
    good = complete()
    assert BACKEND.decode(signed(good))
    with pytest.raises(TokenBackendError):
        BACKEND.decode(signed({**good, claim: value}))


# -- attacks on the format ----------------------------------------------------------------------------------


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", "HS256"])
def test_a_token_without_signature_is_refused(inside: LibraryContext, algorithm: str) -> None:
    token = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(complete())}."
    with pytest.raises(TokenBackendError):
        BACKEND.decode(token)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_with_the_right_key_is_refused(inside: LibraryContext, algorithm: str) -> None:
    key = next(library_keys("jwt"))
    with pytest.raises(TokenBackendError):
        BACKEND.decode(jwt.encode(complete(), key, algorithm=algorithm))
    assert BACKEND.decode(jwt.encode(complete(), key, algorithm="HS256"))


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": {"kty": "oct", "k": "AA"}},
        {"kid": "../../../dev/null"},
    ],
)
def test_keys_named_in_a_header_are_ignored(inside: LibraryContext, header: dict[str, Any]) -> None:
    with pytest.raises(TokenBackendError):
        BACKEND.decode(signed(complete(), key=b"\x00" * 32, **header))
    assert BACKEND.decode(signed(complete(), **header))["sub"] == "1"


def test_every_changed_bit_of_a_token_is_noticed(inside: LibraryContext) -> None:
    token = BACKEND.encode(claims())
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # The last character of a base64 part may hold unused bits, which are no part of the signature.
    ends = {index - 1 for index, char in enumerate(token + ".") if char == "."}
    for index in range(0, len(token), 7):
        if token[index] == "." or index in ends:
            continue
        other = alphabet[(alphabet.index(token[index]) ^ 1)]
        with pytest.raises(TokenBackendError):
            BACKEND.decode(f"{token[:index]}{other}{token[index + 1 :]}")
    assert BACKEND.decode(token)


@pytest.mark.parametrize("missing", ["exp", "nbf", "iat", "jti", "iss", "aud", "sub"])
def test_a_token_without_a_claim_is_refused(inside: LibraryContext, missing: str) -> None:
    payload = complete()
    assert BACKEND.decode(signed(payload))
    del payload[missing]
    with pytest.raises(TokenBackendError):
        BACKEND.decode(signed(payload))


def test_times_are_checked_with_a_small_leeway(inside: LibraryContext) -> None:
    now = int(time.time())
    assert BACKEND.decode(signed(complete(exp=now - 2)))
    with pytest.raises(TokenBackendExpiredToken):
        BACKEND.decode(signed(complete(exp=now - 60)))
    for claim in ("nbf", "iat"):
        assert BACKEND.decode(signed(complete(**{claim: now + 2})))
        with pytest.raises(TokenBackendError):
            BACKEND.decode(signed(complete(**{claim: now + 60})))


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "x" * 100, "é.é.é", "\x00"])
def test_what_is_no_token_is_refused(inside: LibraryContext, text: str) -> None:
    with pytest.raises(TokenBackendError):
        BACKEND.decode(text)


def test_a_token_longer_than_we_make_is_not_even_parsed(inside: LibraryContext) -> None:
    long = signed(complete(padding="x" * MAX_TOKEN_LENGTH))
    assert len(long) > MAX_TOKEN_LENGTH
    with pytest.raises(TokenBackendError, match="too long"):
        BACKEND.decode(long)


def test_verification_cannot_be_switched_off(inside: LibraryContext) -> None:
    with pytest.raises(TokenBackendError):
        BACKEND.decode(signed(complete(), key=b"\x01" * 32), verify=False)


def test_a_refresh_token_is_no_access_token_and_the_other_way_round(inside: LibraryContext) -> None:
    access, refresh = BACKEND.encode(claims()), BACKEND.encode(claims(token_type="refresh"))
    assert AccessToken(access)["sub"] == "1"  # type: ignore[arg-type]
    for kind, token in ((AccessToken, refresh), (AccessToken, BACKEND.encode(claims(token_type="")))):
        with pytest.raises(TokenError):
            kind(token)  # type: ignore[arg-type]


# -- rotation of the secret ---------------------------------------------------------------------------------


def test_a_rotated_secret_still_verifies_and_no_longer_signs(inside: LibraryContext) -> None:
    with override_settings(SECRET_KEY="old-secret", SECRET_KEY_FALLBACKS=[]):
        token, fingerprint = BACKEND.encode(claims()), password_fingerprint("hash")
    with override_settings(SECRET_KEY="new-secret", SECRET_KEY_FALLBACKS=["old-secret"]):
        assert BACKEND.decode(token)["sub"] == "1"
        assert matches_password(fingerprint, "hash")
        assert BACKEND.encode(claims(jti="fixed")) != token
        fresh = BACKEND.encode(claims())
    with override_settings(SECRET_KEY="new-secret", SECRET_KEY_FALLBACKS=[]):
        assert BACKEND.decode(fresh)
        assert not matches_password(fingerprint, "hash")
        with pytest.raises(TokenBackendError):
            BACKEND.decode(token)


@pytest.mark.parametrize("value", [None, 7, "", [], {"a": 1}])
def test_a_fingerprint_of_another_type_matches_nothing(inside: LibraryContext, value: Any) -> None:
    assert not matches_password(value, "hash")


def test_a_fingerprint_belongs_to_one_library() -> None:
    with in_library(NORTH):
        fingerprint = password_fingerprint("hash")
        assert matches_password(fingerprint, "hash")
        assert "hash" not in fingerprint
    with in_library(SOUTH):
        assert not matches_password(fingerprint, "hash")


# -- what is told of a refused token ------------------------------------------------------------------------


def test_a_librarys_own_token_is_known_whatever_else_is_wrong_with_it() -> None:
    with in_library(NORTH):
        good, late, refresh = (
            BACKEND.encode(claims()),
            signed(complete(exp=1)),
            BACKEND.encode(claims(token_type="refresh")),
        )
        assert all(is_own_token(token) for token in (good, late, refresh, good.encode()))
        assert not is_own_token(signed(complete(), key=b"\x01" * 32))
        assert not is_own_token(jwt.encode(complete(), "", algorithm="none"))
    with in_library(SOUTH):
        assert not any(is_own_token(token) for token in (good, late, refresh))
        assert claimed_issuer(good) == str(NORTH.id)


@pytest.mark.parametrize("text", ["", "..", "a.b.c", "\x00", "é.é.é", b"\xff\xfe", "x" * 5000])
def test_what_is_no_token_claims_nothing(inside: LibraryContext, text: Any) -> None:
    assert not is_own_token(text)
    assert claimed_issuer(text) is None


@pytest.mark.parametrize("issuer", [7, None, ["north"], {"a": 1}])
def test_an_issuer_that_is_no_text_is_none(inside: LibraryContext, issuer: Any) -> None:
    payload = base64.urlsafe_b64encode(json.dumps({"iss": issuer}).encode()).rstrip(b"=").decode()
    head, _own, signature = BACKEND.encode(claims()).split(".")
    assert claimed_issuer(f"{head}.{payload}.{signature}") is None
