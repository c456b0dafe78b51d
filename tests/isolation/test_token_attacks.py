"""Tokens that an attacker makes, sent where tokens are taken: 401 for each, in the same words, and nothing changes."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from rest_framework.test import APIClient

from saas.core import clock
from saas.core.jwt import library_keys, library_name
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from shared_apps.accounts.services import SessionTokens, start_session
from tests.snapshots import differences, snapshot

pytestmark = [
    pytest.mark.django_db,
    # Ours are 32 bytes, which is right for HS256.
    pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning"),
]
HOST = "north.localhost"
SCHEMAS = ("lib_north", "lib_south", "public")


@pytest.fixture
def tokens(north: Any) -> SessionTokens:
    with in_library(north):
        return start_session(user=User.objects.get(email="admin@north.example"), now=clock.now())


@pytest.fixture
def key(north: Any) -> bytes:
    with in_library(north):
        return next(library_keys("jwt"))


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def unsigned(token: str) -> Iterator[str]:
    """Without a signature, under every name that this has."""
    claims = encoded(claims_of(token))
    signature = token.rpartition(".")[2]
    for name in ("none", "None", "NONE", "nOnE", "", None, "HS256"):
        head = encoded({"alg": name, "typ": "JWT"})
        yield f"{head}.{claims}."
        yield f"{head}.{claims}"
        if name != "HS256":
            yield f"{head}.{claims}.{signature}"


def other_algorithms(token: str, key: bytes) -> Iterator[str]:
    claims = claims_of(token)
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    yield jwt.encode(claims, private, algorithm="RS256")
    yield jwt.encode(claims, private, algorithm="PS256")
    for algorithm in ("HS384", "HS512"):
        yield jwt.encode(claims, key, algorithm=algorithm)
    # What takes HS256 for what it knows as an RSA key would check with the public one.
    for guess in (base64.b64encode(public), b"\x00" * 32, b"secret" * 6, library_name().encode() * 8):
        yield jwt.encode(claims, guess, algorithm="HS256")


def keys_in_the_header(token: str, _key: bytes) -> Iterator[str]:
    own = b"attackers-key-attackers-key-attackers"
    for header in (
        {"kid": "../../../../dev/null"},
        {"kid": "' UNION SELECT 'attackers-key"},
        {"kid": "public"},
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/cert.pem"},
        {"jwk": {"kty": "oct", "k": base64.urlsafe_b64encode(own).decode()}},
        {"crit": ["exp"]},
        {"b64": False, "crit": ["b64"]},
    ):
        yield jwt.encode(claims_of(token), own, algorithm="HS256", headers=header)


def wrong_claims(token: str, key: bytes) -> Iterator[str]:
    """Signed as ours are, which nobody outside can: what is checked beyond the signature."""
    claims, now = claims_of(token), int(time.time())
    for changed in (
        {"exp": now - 60},
        {"exp": 0},
        {"exp": "never"},
        {"nbf": now + 600},
        {"iat": now + 600},
        {"aud": "public"},
        {"aud": [claims["aud"], "public"]},
        {"aud": None},
        {"iss": "public"},
        {"iss": "https://evil.example"},
        {"token_type": "sliding"},
        {"token_type": ""},
        {"token_type": None},
        {"sub": "999999"},
        {"sub": "1 OR 1=1"},
        {"sub": "-1"},
        {"sub": "9" * 40},
        {"sub": ""},
        {"sid": "another"},
        {"pwd": "0" * 32},
        {"pwd": None},
    ):
        yield jwt.encode({**claims, **changed}, key, algorithm="HS256")
    for name in ("exp", "nbf", "iat", "jti", "iss", "aud", "sub", "token_type", "pwd"):
        yield jwt.encode({k: v for k, v in claims.items() if k != name}, key, algorithm="HS256")


def one_bit(token: str, _key: bytes) -> Iterator[str]:
    """A bit of each byte, in all three parts."""
    for at, character in enumerate(token):
        if character == ".":
            continue
        changed = chr(ord(character) ^ (1 << (at % 5)))
        forged = token[:at] + changed + token[at + 1 :]
        # The last letter of a part has bits that stand for nothing.
        if changed.isprintable() and not same_bytes(forged, token):
            yield forged


def same_bytes(one: str, other: str) -> bool:
    def parts(token: str) -> list[bytes]:
        return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")]

    try:
        return parts(one) == parts(other)
    except ValueError:
        return False


ATTACKS: dict[str, Callable[[str, bytes], Iterator[str]]] = {
    "without a signature": lambda token, _key: unsigned(token),
    "another algorithm": other_algorithms,
    "a key in the header": keys_in_the_header,
    "wrong claims": wrong_claims,
    "one bit": one_bit,
}


def get(token: str) -> Any:
    return APIClient(HTTP_HOST=HOST).get("/api/v1/settings/", headers={"authorization": f"Bearer {token}"})


def refresh(token: str) -> Any:
    return APIClient(HTTP_HOST=HOST).post("/api/v1/auth/refresh/", {"refresh": token}, format="json")


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_a_forged_token_is_refused(tokens: SessionTokens, key: bytes, kind: str, attack: str) -> None:
    good, send = (tokens.access, get) if kind == "access" else (tokens.refresh, refresh)
    before = snapshot(*SCHEMAS)
    tried, wrong, words = 0, [], set()
    for forged in ATTACKS[attack](good, key):
        if attack == "wrong claims" and kind == "refresh" and is_not_asked(forged, good):
            continue
        tried += 1
        answer = send(forged)
        body = answer.json()
        words.add((body["code"], body["detail"]))
        if answer.status_code != 401:
            wrong.append((forged, answer.status_code))
    assert wrong == []
    assert tried >= 8
    assert len(words) == 1, "one answer, whatever is wrong"
    assert differences(before, snapshot(*SCHEMAS)) == {}
    assert send(good).status_code == 200


def is_not_asked(forged: str, good: str) -> bool:
    """Of a refresh token the row says whose it is; only who could sign ours could change this."""
    one, other = claims_of(forged), claims_of(good)
    return {name for name in other if one.get(name) != other[name]} <= {"sid"}


def test_each_kind_is_good_for_its_own_use_alone(tokens: SessionTokens) -> None:
    assert get(tokens.refresh).status_code == 401
    assert refresh(tokens.access).status_code == 401
    assert get(tokens.access).status_code == 200
    assert refresh(tokens.refresh).status_code == 200
