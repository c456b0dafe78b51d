"""A token that is remembered says what simplejwt says of it, for as long as simplejwt would, and in no other library."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from saas.core import jwt as kernel
from saas.core.api.authentication import VERIFIED, LibraryJWTAuthentication
from saas.core.jwt import VerifiedTokens
from saas.core.tenancy import in_library
from tests.saas.core.test_jwt import NORTH, SOUTH, complete, library, signed

OURS, REFERENCE = LibraryJWTAuthentication(), JWTAuthentication()


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    VERIFIED.clear()
    yield
    VERIFIED.clear()


def verdict(authentication: Any, raw: bytes | str) -> Any:
    """The claims, or the words of the refusal."""
    try:
        return authentication.get_validated_token(raw).payload
    except InvalidToken as error:
        return str(error.detail)
    except TokenError as error:  # what simplejwt does not catch
        return str(error)


def assert_equal(raw: bytes) -> None:
    expected = verdict(REFERENCE, raw)
    for _time in range(3):
        assert verdict(OURS, raw) == expected


TIMES = st.integers(-700, 700)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "exp": TIMES,
        "nbf": TIMES,
        "iat": TIMES,
        "token_type": st.sampled_from(["access", "refresh", "", None]),
        "aud": st.sampled_from(["public", [], str(NORTH.id), str(SOUTH.id)]),
        "iss": st.sampled_from(["public", str(NORTH.id)]),
        "jti": st.sampled_from(["j", "", None]),
        "sub": st.sampled_from(["1", "2", "", "x"]),
        "sid": st.text(max_size=5),
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=CHANGES, left_out=st.sets(st.sampled_from(["exp", "nbf", "iat", "jti", "sub"]), max_size=1))
def test_whatever_a_signed_token_says_both_judge_alike(changes: dict[str, Any], left_out: set[str]) -> None:
    with in_library(NORTH):
        now = int(time.time())
        told = {
            name: now + value if name in {"exp", "nbf", "iat"} else value for name, value in changes.items()
        }
        payload = {name: value for name, value in {**complete(), **told}.items() if name not in left_out}
        assert_equal(signed(payload).encode())


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(at=st.integers(0, 400), flip=st.integers(1, 255))
def test_a_remembered_token_vouches_for_no_other_text(at: int, flip: int) -> None:
    with in_library(NORTH):
        raw = signed(complete()).encode()
        assert verdict(OURS, raw)["sub"] == "1"
        changed = bytearray(raw)
        changed[at % len(raw)] ^= flip
        assert_equal(bytes(changed))


def test_it_is_verified_once(monkeypatch: Any) -> None:
    decoded: list[Any] = []
    decode = kernel.LibraryTokenBackend.decode

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        decoded.append(args)
        return decode(self, *args, **kwargs)

    monkeypatch.setattr(kernel.LibraryTokenBackend, "decode", counted)
    with in_library(NORTH):
        raw = signed(complete()).encode()
        assert [verdict(OURS, raw) == verdict(OURS, raw.decode()) for _time in range(3)] == [True] * 3
        assert len(decoded) == 1
        assert verdict(OURS, b"a.b.c") == verdict(OURS, b"a.b.c")
        assert len(decoded) == 3, "a refusal is not remembered"


def test_a_token_of_one_library_is_unknown_in_another() -> None:
    with in_library(NORTH):
        raw = signed(complete()).encode()
        assert verdict(OURS, raw)["sub"] == "1"
    again = library("north", id=SOUTH.id)  # made anew under the same name, in the same schema
    for other in (SOUTH, again):
        with in_library(other):
            assert VERIFIED.find(raw) is None
            assert isinstance(verdict(OURS, raw), str)
            assert_equal(raw)
    assert isinstance(verdict(OURS, raw), str), "nor on the public site"
    with in_library(NORTH):
        assert VERIFIED.find(raw) is not None


def test_a_key_that_is_changed_ends_what_was_remembered() -> None:
    with in_library(NORTH):
        raw = signed(complete()).encode()
        assert verdict(OURS, raw)["sub"] == "1"
        with override_settings(SECRET_KEY="y" * 50, SECRET_KEY_FALLBACKS=[]):
            assert VERIFIED.find(raw) is None
            assert isinstance(verdict(OURS, raw), str)
        with override_settings(SECRET_KEY="y" * 50, SECRET_KEY_FALLBACKS=[_secret_key()]):
            assert verdict(OURS, raw)["sub"] == "1", "rotated out, and good until it is removed"
        assert VERIFIED.find(raw) is not None


def _secret_key() -> str:
    from django.conf import settings as configured

    return str(configured.SECRET_KEY)


@pytest.mark.parametrize("moved", [-700, -66, -64, 0, 64, 66, 700])
def test_its_times_are_looked_at_each_time(monkeypatch: Any, moved: int) -> None:
    """Remembered now, asked for at another time: the clock of a machine may even go back."""
    with in_library(NORTH):
        now = time.time()
        raw = signed(complete(iat=int(now), exp=int(now) + 60)).encode()
        assert verdict(OURS, raw)["sub"] == "1"
        monkeypatch.setattr(kernel.time, "time", lambda: now + moved)
        assert (VERIFIED.find(raw) is not None) is (-5 <= moved < 65)


def test_one_that_has_expired_is_refused_by_simplejwt() -> None:
    with in_library(NORTH):
        now = int(time.time())
        raw = signed(complete(iat=now - 60, exp=now - 3)).encode()  # within the leeway
        assert verdict(OURS, raw)["sub"] == "1"
        assert VERIFIED.find(raw) is not None
        for token in VERIFIED._tokens.values():
            token.payload["exp"] = now - 6
        assert VERIFIED.find(raw) is None


def test_only_access_tokens_are_remembered() -> None:
    with in_library(NORTH):
        refresh = RefreshToken()
        refresh["sub"] = "1"
        assert isinstance(verdict(OURS, str(refresh)), str)
        assert VERIFIED.find(str(refresh).encode()) is None
        access = str(refresh.access_token)
        assert verdict(OURS, access)["token_type"] == "access"
        assert isinstance(VERIFIED.find(access.encode()), AccessToken)


def test_what_one_request_does_to_its_token_the_next_does_not_see() -> None:
    with in_library(NORTH):
        raw = signed(complete()).encode()
        for _time in range(3):
            token = OURS.get_validated_token(raw)
            assert (token["sub"], token.token) == ("1", raw)
            token["sub"] = "2"


def test_the_oldest_are_forgotten_and_no_text_is_kept() -> None:
    few = VerifiedTokens(limit=2)
    with in_library(NORTH):
        texts = [signed(complete(jti=str(number))).encode() for number in range(3)]
        for raw in texts[:2]:
            few.keep(raw, OURS.get_validated_token(raw))
        assert few.find(texts[0]) is not None  # asked for since
        few.keep(texts[2], OURS.get_validated_token(texts[2]))
        assert [few.find(raw) is not None for raw in texts] == [True, False, True]
        kept = repr([(key, vars(token)) for key, token in few._tokens.items()])
        assert not any(raw.decode() in kept or base64.b64encode(raw).decode() in kept for raw in texts)


def test_a_token_whose_times_are_no_numbers_is_not_remembered() -> None:
    few = VerifiedTokens(limit=2)
    with in_library(NORTH):
        token = OURS.get_validated_token(signed(complete()).encode())
        token.payload["exp"] = str(token.payload["exp"])
        few.keep(b"text", token)
        assert few.find(b"text") is None
