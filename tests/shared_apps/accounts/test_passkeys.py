"""Passkeys: registering one, signing in with it, and every way in which an answer can be a lie."""

from __future__ import annotations

import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from fido2.utils import websafe_decode, websafe_encode

from saas.core.tenancy import in_library, in_public
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from shared_apps.security.models import SecurityEvent
from shared_apps.security.services import ALERT
from tests.authenticators import USER_PRESENT, USER_VERIFIED, SoftPasskey

OPTIONS, SIGN_IN, ME = "/api/v1/auth/webauthn/options/", "/api/v1/auth/webauthn/", "/api/v1/me/"
HOST, ORIGIN = "north.localhost", "http://north.localhost"
pytestmark = pytest.mark.django_db


@pytest.fixture
def key() -> SoftPasskey:
    return SoftPasskey(ORIGIN, HOST)


def register(holder: Any, key: SoftPasskey, **changes: Any) -> Any:
    options = holder.post("webauthn/options/").json()
    return holder.post("webauthn/", {"name": "Phone", "credential": key.create(options), **changes})


@pytest.fixture
def lea(holder: Any, key: SoftPasskey) -> Any:
    """lea, whose only factor is a passkey."""
    found = holder()
    answer = register(found, key)
    assert answer.status_code == 201, answer.content
    found.codes = answer.json()["recovery_codes"]
    return found


def begin(client: Any) -> Any:
    answer = client.post(OPTIONS, {}, format="json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def finish(client: Any, credential: Any, **more: Any) -> Any:
    return client.post(SIGN_IN, {"credential": credential, **more}, format="json")


def refused(answer: Any) -> bool:
    assert not answer.cookies.get("libraryhub-access")
    return bool((answer.status_code, answer.json()["code"]) == (401, "passkey_refused"))


def stored(north: Any) -> Any:
    with in_library(north):
        return Authenticator.objects.get(type="webauthn")


# -- registering ----------------------------------------------------------------------------------------------------------


def test_options_ask_for_a_key_that_is_found_by_itself_and_knows_its_user(holder: Any) -> None:
    options = holder().post("webauthn/options/").json()["publicKey"]
    assert options["rp"] == {"id": HOST, "name": "North Library"}
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["user"]["name"] == "lea@north.example"
    assert len(websafe_decode(options["challenge"])) >= 16


def test_the_first_passkey_brings_recovery_codes_and_is_listed(lea: Any, key: SoftPasskey) -> None:
    assert len(lea.codes) == 10
    shown = lea.factors()
    [factor] = shown["factors"]
    assert (factor["kind"], factor["name"], factor["last_used_at"]) == ("webauthn", "Phone", None)
    assert lea.client.get(f"/api/v1/auth/mfa/webauthn/{factor['id']}/").json() == factor
    second = SoftPasskey(ORIGIN, HOST)
    lea.post("webauthn/options/", lea.proof(otp=lea.codes[0]))
    options = lea.post("webauthn/options/", lea.proof(otp=lea.codes[1])).json()
    excluded = [row["id"] for row in options["publicKey"]["excludeCredentials"]]
    assert excluded == [websafe_encode(key.identifier)]
    answer = lea.post("webauthn/", {"name": "Laptop", "credential": second.create(options)})
    assert (answer.status_code, answer.json()["recovery_codes"]) == (201, [])


def test_a_registration_challenge_works_once(holder: Any, north: Any) -> None:
    lea = holder()
    options = lea.post("webauthn/options/").json()
    first, second = SoftPasskey(ORIGIN, HOST).create(options), SoftPasskey(ORIGIN, HOST).create(options)
    assert lea.post("webauthn/", {"name": "One", "credential": first}).status_code == 201
    again = lea.post("webauthn/", {"name": "Two", "credential": second})
    assert (again.status_code, again.json()["code"]) == (400, "passkey_not_accepted")
    assert stored(north).data["name"] == "One"


def test_another_session_cannot_finish_it(holder: Any, north: Any) -> None:
    lea = holder()
    options = lea.post("webauthn/options/").json()
    thief = holder(made=lea.user)
    body = {"name": "Mine", "credential": SoftPasskey(ORIGIN, HOST).create(options)}
    assert thief.post("webauthn/", body).status_code == 400
    with in_library(north):
        assert not Authenticator.objects.exists()
    assert lea.post("webauthn/", body).status_code == 201


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "http://south.localhost"},
        {"origin": "http://evil.north.localhost"},
        {"origin": "https://north.localhost"},
        {"host": "south.localhost"},
        {"host": "localhost"},
        {"flags": USER_PRESENT},
        {"flags": USER_VERIFIED},
    ],
    ids=str,
)
def test_a_key_of_another_place_or_without_its_user_is_not_accepted(
    holder: Any, north: Any, key: SoftPasskey, lie: dict[str, Any]
) -> None:
    lea = holder()
    for name, value in lie.items():
        setattr(key, name, value)
    assert register(lea, key).json()["code"] == "passkey_not_accepted"
    with in_library(north):
        assert not Authenticator.objects.exists()
    assert register(lea, SoftPasskey(ORIGIN, HOST)).status_code == 201


def test_somebody_elses_key_is_not_accepted(lea: Any, holder: Any, key: SoftPasskey, north: Any) -> None:
    nia = holder("nia")
    assert register(nia, key).json()["code"] == "passkey_not_accepted"
    assert stored(north).user_id == lea.user.pk


@pytest.mark.parametrize(
    "attestation",
    [
        b"",
        b"\x81" * 5000,
        b"\xa0",
        b"\xff",
        b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x41\x00",
        bytes(300),
    ],
    ids=range(6),
)
def test_bytes_that_are_no_attestation_are_refused(holder: Any, key: SoftPasskey, attestation: bytes) -> None:
    lea = holder()
    credential = key.create(lea.post("webauthn/options/").json())
    credential["response"]["attestationObject"] = websafe_encode(attestation) or "AA"
    answer = lea.post("webauthn/", {"name": "Odd", "credential": credential})
    assert (answer.status_code, answer.json()["code"]) == (400, "passkey_not_accepted")


# -- signing in -----------------------------------------------------------------------------------------------------------


def test_a_passkey_signs_in_without_a_password(lea: Any, api: Any, north: Any, key: SoftPasskey) -> None:
    client = api(north)
    answer = finish(client, key.get(begin(client)))
    assert answer.status_code == 200, answer.content
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    assert client.get(ME).json()["email"] == "lea@north.example"
    assert stored(north).last_used_at is not None
    with in_library(north):
        assert AuditEntry.objects.filter(action="session.started", changes={"with": "passkey"}).count() == 1


def test_cookies_on_request(lea: Any, api: Any, north: Any, key: SoftPasskey) -> None:
    client = api(north)
    answer = finish(client, key.get(begin(client)), transport="cookie")
    assert set(answer.json()) == {"user"}
    assert client.get(ME).status_code == 200


def test_the_password_alone_names_the_passkey(lea: Any, sign_in: Any) -> None:
    answer = sign_in()
    assert (answer.status_code, answer.json()["code"]) == (401, "mfa_required")
    assert set(answer.json()["methods"]) == {"webauthn", "recovery_codes"}
    assert sign_in(otp=lea.codes[0]).status_code == 200


def test_a_challenge_works_once_and_in_its_browser_alone(
    lea: Any, api: Any, north: Any, key: SoftPasskey
) -> None:
    victim, thief = api(north), api(north)
    options = begin(victim)
    begin(thief)
    assert refused(finish(thief, key.get(options))), "the challenge of another browser"
    assert refused(finish(api(north), key.get(options))), "no browser at all"
    answer = key.get(options)
    assert finish(victim, answer).status_code == 200
    assert refused(finish(victim, answer)), "a second time"
    assert refused(finish(victim, key.get(options))), "signed anew, for a challenge that is spent"


def test_a_wrong_answer_spends_the_challenge(lea: Any, api: Any, north: Any, key: SoftPasskey) -> None:
    client = api(north)
    options = begin(client)
    broken = key.get(options)
    broken["response"]["signature"] = websafe_encode(b"0" * 70)
    assert refused(finish(client, broken))
    assert refused(finish(client, key.get(options)))
    assert finish(client, key.get(begin(client))).status_code == 200


def test_a_challenge_lives_five_minutes(lea: Any, api: Any, north: Any, key: SoftPasskey) -> None:
    from django.core.cache import cache

    client = api(north)
    options = begin(client)
    with in_library(north):
        [name] = cache.keys("ceremony:passkey-sign-in:*")
        assert 290 < cache.ttl(name) <= 300
        cache.delete(name)
    assert client.cookies["libraryhub-passkey"]["max-age"] == 300
    assert client.cookies["libraryhub-passkey"]["httponly"]
    assert client.cookies["libraryhub-passkey"]["samesite"] == "Strict"
    assert refused(finish(client, key.get(options)))


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "http://south.localhost"},
        {"origin": "http://evil.north.localhost"},
        {"origin": "https://north.localhost"},
        {"host": "south.localhost"},
        {"host": "localhost"},
        {"flags": USER_PRESENT},
        {"flags": USER_VERIFIED},
        {"flags": 0},
        {"identifier": b"another key's identifier 0123456"},
        {"key": SoftPasskey(ORIGIN, HOST).key},
        {"handle": websafe_encode(b"public:1")},
        {"handle": websafe_encode(b"1")},
        {"handle": websafe_encode(b"\xff\xfe")},
        {"handle": "A"},
    ],
    ids=lambda lie: next(iter(lie)),
)
def test_a_lie_signs_nobody_in(lea: Any, api: Any, north: Any, key: SoftPasskey, lie: dict[str, Any]) -> None:
    client = api(north)
    true = {name: getattr(key, name) for name in lie}
    for name, value in lie.items():
        setattr(key, name, value)
    options = begin(client)
    credential = key.get(options) if lie.get("handle") != "A" else None
    if credential is None:
        key.handle = true["handle"]
        credential = key.get(options)
        credential["response"]["userHandle"] = "A"
    assert refused(finish(client, credential))
    assert stored(north).data["sign_count"] == 0
    for name, value in true.items():
        setattr(key, name, value)
    assert finish(client, key.get(begin(client))).status_code == 200


def test_a_key_says_which_library_it_is_for(lea: Any, api: Any, north: Any, key: SoftPasskey) -> None:
    """A row that was copied here with its number answers for nobody: its key names the library that it was made in."""
    client, true = api(north), key.handle
    for site in ("public", "", "00000000-0000-0000-0000-000000000000"):
        key.handle = websafe_encode(f"{site}:{lea.user.pk}".encode())
        assert refused(finish(client, key.get(begin(client)))), site
    assert websafe_decode(true).decode() == f"{north.id}:{lea.user.pk}"
    key.handle = true
    assert finish(client, key.get(begin(client))).status_code == 200


def test_a_counter_that_goes_back_is_a_copy(lea: Any, api: Any, north: Any, key: SoftPasskey) -> None:
    client = api(north)
    for _ in range(3):
        assert finish(client, key.get(begin(client))).status_code == 200
    key.counter = 1
    assert refused(finish(client, key.get(begin(client))))
    key.counter = 2
    assert refused(finish(client, key.get(begin(client)))), "the same number again"
    assert stored(north).data["sign_count"] == 3
    with in_library(north):
        assert [event.user_id for event in SecurityEvent.objects.filter(kind="passkey_copied")] == [
            lea.user.pk,
            lea.user.pk,
        ]
        assert OutboxMessage.objects.filter(kind=ALERT).count() == 1, "the admins are told once an hour"
    key.counter = 10
    assert finish(client, key.get(begin(client))).status_code == 200


def test_a_registration_is_no_sign_in(lea: Any, api: Any, north: Any, key: SoftPasskey) -> None:
    """Type confusion: an answer to create, or signed as one, does not open a session."""
    client = api(north)
    credential = key.get(begin(client))
    told = json.loads(websafe_decode(credential["response"]["clientDataJSON"]))
    told["type"] = "webauthn.create"
    credential["response"]["clientDataJSON"] = websafe_encode(json.dumps(told).encode())
    assert refused(finish(client, credential))


def test_a_closed_account_is_not_opened(lea: Any, api: Any, north: Any, key: SoftPasskey) -> None:
    client = api(north)
    with in_library(north):
        type(lea.user).objects.filter(pk=lea.user.pk).update(is_active=False)
    assert refused(finish(client, key.get(begin(client))))
    with in_library(north):
        type(lea.user).objects.filter(pk=lea.user.pk).update(is_active=True)
    assert finish(client, key.get(begin(client))).status_code == 200


def test_another_library_knows_neither_challenge_nor_key(
    lea: Any, api: Any, north: Any, south: Any, key: SoftPasskey
) -> None:
    """South's challenge in north, north's in south; and a copy of the row in south opens nothing there."""
    with in_library(north):
        row = Authenticator.objects.get(type="webauthn")
    with in_library(south):
        twin = type(lea.user).objects.order_by("pk")[0]
        Authenticator.objects.create(user=twin, type="webauthn", data={**row.data, "host": "south.localhost"})
    ours, theirs = api(north), api(south)
    mine, foreign = begin(ours), begin(theirs)
    theirs.cookies = ours.cookies
    assert refused(finish(theirs, key.get(mine))), "a challenge of north in south"
    theirs = api(south)
    foreign = begin(theirs)
    assert foreign["publicKey"]["rpId"] == "south.localhost"
    assert refused(finish(theirs, key.get(foreign))), "north's key for south's challenge"
    key.host, key.origin = "south.localhost", "http://south.localhost"
    assert refused(finish(theirs, key.get(begin(theirs)))), "and lying about where it was asked"
    key.host, key.origin = HOST, ORIGIN
    assert finish(ours, key.get(begin(ours))).status_code == 200
    public = api(north)
    public.defaults["HTTP_HOST"] = "localhost"
    with in_public():
        assert not Authenticator.objects.filter(type="webauthn").exists()
    assert refused(finish(public, key.get(begin(public)))), "on the public site"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"credential": None},
        {"credential": []},
        {"credential": "x"},
        {"credential": {"response": {}}},
        {"credential": {"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": 1}}},
        {"credential": {"id": "AA", "rawId": "BB", "type": "public-key", "response": {}}},
    ],
    ids=range(7),
)
def test_what_is_no_credential_is_a_bad_request(api: Any, north: Any, body: Any) -> None:
    answer = api(north).post(SIGN_IN, body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


def test_guessing_with_passkeys_is_limited_by_address(
    limits: Any, lea: Any, api: Any, north: Any, key: SoftPasskey
) -> None:
    limits.RATE_LIMITS = {**limits.RATE_LIMITS, "login-address": (4, 300)}
    client = api(north)
    statuses = [
        finish(client, SoftPasskey(ORIGIN, HOST, handle="AAAA").get(begin(client))).status_code
        for _ in range(6)
    ]
    assert statuses == [401, 401, 401, 401, 429, 429]


# -- taking away ----------------------------------------------------------------------------------------------------------


def test_a_passkey_is_taken_away_by_its_owner_alone(
    lea: Any, holder: Any, api: Any, north: Any, key: SoftPasskey
) -> None:
    pk = lea.factors()["factors"][0]["id"]
    nia = holder("nia")
    assert nia.client.get(f"/api/v1/auth/mfa/webauthn/{pk}/").status_code == 404
    assert nia.delete(f"webauthn/{pk}/").status_code == 404
    assert lea.delete(f"webauthn/{pk}/").status_code == 400, "without a recovery code"
    client = api(north)
    assert finish(client, key.get(begin(client))).status_code == 200
    assert lea.delete(f"webauthn/{pk}/", lea.proof(otp=lea.codes[0])).status_code == 204
    assert refused(finish(client, key.get(begin(client))))
    assert lea.factors() == {"required": False, "factors": [], "recovery_codes_left": 0}


@pytest.mark.parametrize("path", ["abc", "0", "-1", "99999999999999999999", "\u0661"])
def test_what_names_no_passkey_is_not_found(lea: Any, path: str) -> None:
    assert lea.client.get(f"/api/v1/auth/mfa/webauthn/{path}/").status_code == 404
