"""A provider's token is believed when everything in it is right, and not when any one thing is wrong."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.core.cache import cache

from tests.identity_provider import CLIENT_ID, FakeProvider, jwk_of, new_key
from tests.snapshots import differences, snapshot
from tests.tenant_apps.federation.conftest import Visitor, link, set_up

pytestmark = pytest.mark.django_db
Change = Callable[[FakeProvider], None]


@pytest.fixture(autouse=True)
def school(north: Any, fake: FakeProvider) -> Any:
    provider = set_up(north, issuer=fake.issuer)
    for subject in ("person-1", "1"):
        link(north, provider, subject=subject, email="reader@north.example")
    return provider


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def public_pem(provider: FakeProvider) -> bytes:
    return bytes(
        provider.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def handmade(header: Any, payload: Any, key: bytes | None = None) -> str:
    """A token whose parts may be anything; signed with HMAC-SHA256 where a key is given."""
    parts = ".".join(
        b64(part if isinstance(part, bytes) else json.dumps(part).encode()) for part in (header, payload)
    )
    signature = hmac.new(key, parts.encode(), hashlib.sha256).digest() if key is not None else b""
    return f"{parts}.{b64(signature)}"


def claims(**changed: Any) -> Change:
    def change(provider: FakeProvider) -> None:
        provider.claims = changed

    return change


def later(seconds: int, *names: str) -> Change:
    """Claims that are now plus so many seconds, at the time of the test."""

    def change(provider: FakeProvider) -> None:
        provider.claims = dict.fromkeys(names, int(time.time()) + seconds)

    return change


def without(*names: str) -> Change:
    def change(provider: FakeProvider) -> None:
        provider.without = set(names)

    return change


def signed_by(sign: Callable[[FakeProvider, dict[str, Any]], str]) -> Change:
    def change(provider: FakeProvider) -> None:
        provider.sign = lambda made: sign(provider, made)

    return change


def with_header(**header: Any) -> Change:
    return signed_by(
        lambda provider, made: jwt.encode(
            made, provider.key, algorithm="RS256", headers={"kid": "one", **header}
        )
    )


def one_bit_changed(provider: FakeProvider, made: dict[str, Any]) -> str:
    head, body, signature = provider.signed(made).split(".")
    changed = json.loads(base64.urlsafe_b64decode(body + "=="))
    changed["sub"] = "person-1"
    return ".".join((head, b64(json.dumps({**changed, "x": 1}).encode()), signature))


def only_key(key: Any, **more: Any) -> Change:
    """The provider publishes this key alone and signs with it."""

    def change(provider: FakeProvider) -> None:
        provider.key, provider.keys = key, [jwk_of(key, **more)]

    return change


def no_key(provider: FakeProvider) -> None:
    provider.keys = []


def public_key_as_secret(provider: FakeProvider) -> None:
    """The provider even publishes it as such."""
    pem = public_pem(provider)
    provider.keys = [{"kty": "oct", "kid": "one", "alg": "HS256", "k": b64(pem)}]
    provider.sign = lambda made: handmade({"alg": "HS256", "kid": "one", "typ": "JWT"}, made, pem)


WRONG: dict[str, Change] = {
    "nonce of somebody else": claims(nonce="somebody-elses"),
    "nonce is empty": claims(nonce=""),
    "nonce is a number": claims(nonce=5),
    "no nonce": without("nonce"),
    "audience is another client": claims(aud="another"),
    "audience is many others": claims(aud=["another", "third"]),
    "audience is empty": claims(aud=[]),
    "no audience": without("aud"),
    "several audiences and no azp": claims(aud=[CLIENT_ID, "another"]),
    "azp is another client": claims(azp="another"),
    "several audiences for another": claims(aud=[CLIENT_ID, "another"], azp="another"),
    "issuer is another": claims(iss="https://evil.example"),
    "issuer with a slash": lambda provider: claims(iss=f"{provider.issuer}/")(provider),
    "issuer in capitals": lambda provider: claims(iss=provider.issuer.upper())(provider),
    "issuer is a list": signed_by(lambda p, made: _with_kid(p, {**made, "iss": [p.issuer]}, "one")),
    "no issuer": without("iss"),
    "expired": later(-120, "exp"),
    "no expiry": without("exp"),
    "expiry is no time": claims(exp="tomorrow"),
    "expiry is endless": claims(exp=float("inf")),
    "made in the future": later(600, "iat"),
    "made long ago": later(-1200, "iat"),
    "no time of making": without("iat"),
    "not valid yet": later(600, "nbf"),
    "no subject": without("sub"),
    "subject is empty": claims(sub=""),
    "subject is a number": claims(sub=1),
    "subject is too long": claims(sub="1" * 256),
    "subject is not ASCII": claims(sub="persön"),
    "alg none": signed_by(lambda _provider, made: handmade({"alg": "none"}, made)),
    "alg None": signed_by(lambda _provider, made: handmade({"alg": "None", "kid": "one"}, made)),
    "alg missing": signed_by(lambda _provider, made: handmade({"kid": "one"}, made)),
    "alg is a list": signed_by(lambda _provider, made: handmade({"alg": ["RS256"], "kid": "one"}, made)),
    "HS256 with the public key": signed_by(
        lambda provider, made: handmade({"alg": "HS256", "kid": "one"}, made, public_pem(provider))
    ),
    "HS256 with the client secret": signed_by(
        lambda _provider, made: jwt.encode(made, "s3cret with spaces & signs" * 2, algorithm="HS256")
    ),
    "HS256 with a published secret": public_key_as_secret,
    "signature missing": signed_by(lambda p, made: p.signed(made).rsplit(".", 1)[0] + "."),
    "signature of another key": signed_by(
        lambda _provider, made: jwt.encode(made, new_key(), algorithm="RS256", headers={"kid": "one"})
    ),
    "claims changed after the signature": signed_by(one_bit_changed),
    "key of the header": with_header(jwk=jwk_of(rsa.generate_private_key(65537, 2048)), kid="two"),
    "key's address of the header": with_header(jku="http://127.0.0.1:1/keys", kid="two"),
    "unknown key": with_header(kid="two"),
    "key id is no text": signed_by(lambda p, made: _with_kid(p, made, 5)),
    "critical header": with_header(crit=["b64"], b64=True),
    "no key at all": no_key,
    "key for encryption": lambda p: only_key(p.key, use="enc")(p),
    "key for another algorithm": lambda p: only_key(p.key, alg="PS256")(p),
    "key that is too short": only_key(rsa.generate_private_key(65537, 1024)),  # noqa: S505
    "no token": lambda p: p.tokens.update(id_token=None),
    "token is no text": lambda p: p.tokens.update(id_token={"sub": "person-1"}),
    "token of two parts": lambda p: p.tokens.update(id_token="a.b"),
    "token that is huge": lambda p: p.tokens.update(id_token="a" * 20_000),
    "token that is deep": signed_by(lambda p, _made: _deep(p)),
    "header that is deep": signed_by(lambda _p, made: handmade(b"[" * 9000, made)),
}


def _with_kid(provider: FakeProvider, made: dict[str, Any], kid: Any) -> str:
    header = {"alg": "RS256", "kid": kid}
    parts = ".".join(b64(json.dumps(part).encode()) for part in (header, made))
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    return f"{parts}.{b64(algorithm.sign(parts.encode(), provider.key))}"


def _deep(provider: FakeProvider) -> str:
    payload = b'{"a":' * 2000 + b"1" + b"}" * 2000
    parts = f"{b64(json.dumps({'alg': 'RS256', 'kid': 'one'}).encode())}.{b64(payload)}"
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    return f"{parts}.{b64(algorithm.sign(parts.encode(), provider.key))}"


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_not_believed(fake: FakeProvider, visitor: Visitor, wrong: Change) -> None:
    wrong(fake)
    before = snapshot("lib_north", "public")
    answer = visitor.sign_in(fake.person_signs_in)
    assert (answer.status_code, answer.json()["code"]) == (401, "identity_not_proved"), answer.content
    assert "POST /token" in fake.asked
    assert differences(before, snapshot("lib_north", "public")) == {}


def ec_key(provider: FakeProvider) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    published = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    provider.keys = [{**published, "kid": "curve"}, *provider.keys]
    provider.sign = lambda made: jwt.encode(made, key, algorithm="ES256", headers={"kid": "curve"})


def without_key_id(provider: FakeProvider) -> None:
    del provider.keys[0]["kid"]
    provider.sign = lambda made: jwt.encode(made, provider.key, algorithm="RS256")


RIGHT: dict[str, Change] = {
    "as it comes": lambda _provider: None,
    "one audience in a list": claims(aud=[CLIENT_ID]),
    "azp is ours": claims(azp=CLIENT_ID),
    "several audiences and azp ours": claims(aud=[CLIENT_ID, "another"], azp=CLIENT_ID),
    "a minute late": later(-30, "exp"),
    "on an elliptic curve": ec_key,
    "the only key, without an id": without_key_id,
    "a header more": with_header(x5t="abc"),
}


@pytest.mark.parametrize("right", RIGHT.values(), ids=RIGHT)
def test_what_is_right_is_believed(fake: FakeProvider, visitor: Visitor, right: Change) -> None:
    right(fake)
    answer = visitor.sign_in(fake.person_signs_in)
    assert answer.status_code == 200, answer.content


def test_a_new_key_is_asked_for(fake: FakeProvider, visitor: Visitor) -> None:
    """The old keys are kept for an hour; one that is not among them is asked for, but not at every token."""
    assert visitor.sign_in(fake.person_signs_in).status_code == 200
    assert visitor.sign_in(fake.person_signs_in).status_code == 200
    assert fake.asked.count("GET /keys") == 1
    assert fake.asked.count("GET /.well-known/openid-configuration") == 1
    key = new_key()
    fake.keys.append(jwk_of(key, "two"))
    fake.sign = lambda made: jwt.encode(made, key, algorithm="RS256", headers={"kid": "two"})
    assert visitor.sign_in(fake.person_signs_in).status_code == 401
    assert fake.asked.count("GET /keys") == 1, "within a minute nobody is asked again"
    client: Any = cache
    redis = client.client.get_client(write=True)
    (name,) = redis.keys("lib_north:*federation:keys:*")
    known = json.loads(redis.get(name))
    redis.set(name, json.dumps({**known, "at": known["at"] - 61}))
    assert visitor.sign_in(fake.person_signs_in).status_code == 200
    assert fake.asked.count("GET /keys") == 2


def test_details_of_another_person_are_not_taken(fake: FakeProvider, visitor: Visitor, north: Any) -> None:
    """The address may come from the userinfo endpoint, for the same subject alone (OIDC Core, 5.3.2)."""
    fake.claims = {"sub": "somebody-new"}
    fake.userinfo = {"sub": "person-1", "email": "new@school.example", "email_verified": True}
    before = snapshot("lib_north")
    answer = visitor.sign_in(fake.person_signs_in)
    assert (answer.status_code, answer.json()["code"]) == (401, "identity_not_proved")
    assert differences(before, snapshot("lib_north")) == {}
    fake.userinfo["sub"] = "somebody-new"
    answer = visitor.sign_in(fake.person_signs_in)
    assert (answer.status_code, answer.json()["code"]) == (403, "registration_closed")


def test_the_token_counts_before_the_userinfo(fake: FakeProvider, visitor: Visitor) -> None:
    fake.claims = {"sub": "somebody-new", "email_verified": False}
    fake.userinfo = {"sub": "somebody-new", "email": "new@school.example", "email_verified": True}
    answer = visitor.sign_in(fake.person_signs_in)
    assert (answer.status_code, answer.json()["code"]) == (403, "provider_email_unverified")
