"""Sign-up over HTTP, as api.md says."""

from __future__ import annotations

import ipaddress
import secrets
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.test import Client

from saas.core import clock
from shared_apps.delivery.services import relay
from shared_apps.signup.models import SignUp
from shared_apps.tenants.models import Library

SIGNUP, VERIFY, AVAILABILITY = "/api/v1/signup/", "/api/v1/signup/verify/", "/api/v1/signup/availability/"


@pytest.fixture
def somewhere() -> str:
    """An address of the network that no other test has used: the counters of rate limits outlive a test."""
    return str(ipaddress.IPv4Address(0x0A000000 + secrets.randbelow(2**24)))


def token_in(message: Any) -> str:
    return str(message.body.split("token=")[1].split()[0])


# -- availability ----------------------------------------------------------------------------------------


def test_a_free_name(public_api: Any) -> None:
    answer = public_api().get(f"{AVAILABILITY}?subdomain=Harbour")
    assert answer.status_code == 200
    assert answer.json() == {"available": True, "reason": None, "detail": "", "suggestions": []}


def test_a_taken_name_with_free_ones(public_api: Any, north: Any) -> None:
    body = public_api().get(f"{AVAILABILITY}?subdomain=north").json()
    assert (body["available"], body["reason"]) == (False, "taken")
    assert 1 <= len(body["suggestions"]) <= 5
    for name in body["suggestions"]:
        assert public_api().get(f"{AVAILABILITY}?subdomain={name}").json()["available"] is True


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [("", "too_short"), ("x" * 41, "too_long"), ("a_b_c", "bad_characters"), ("admin", "reserved")],
)
def test_why_a_name_cannot_be_had(public_api: Any, wanted: str, reason: str) -> None:
    body = public_api().get(AVAILABILITY, {"subdomain": wanted}).json()
    assert (body["available"], body["reason"]) == (False, reason)
    assert body["detail"]


def test_the_name_of_a_closed_library(public_api: Any, north: Any) -> None:
    Library.objects.filter(pk=north.id).update(status="closed")
    body = public_api().get(f"{AVAILABILITY}?subdomain=north").json()
    assert (body["available"], body["reason"]) == (False, "recently_closed")


@pytest.mark.parametrize("query", ["", "?name=harbour", "?subdomain=a&subdomain=b", "?subdomain=a%00b"])
def test_the_parameter_is_needed_once_and_alone(public_api: Any, query: str) -> None:
    answer = public_api().get(AVAILABILITY + query)
    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_a_pending_sign_up_blocks_no_name(public_api: Any, requested: Callable[..., Any]) -> None:
    requested()
    assert public_api().get(f"{AVAILABILITY}?subdomain=harbour").json()["available"] is True


# -- sign-up ---------------------------------------------------------------------------------------------


def test_a_good_request_is_accepted(public_api: Any, body: dict[str, Any]) -> None:
    answer = public_api().post(SIGNUP, body)
    assert answer.status_code == 202
    row = SignUp.objects.get()
    assert answer.json() == {"id": str(row.pk), "status": "pending_verification"}
    assert not Library.objects.filter(subdomain="harbour").exists()


def test_only_five_fields_are_needed(public_api: Any, body: dict[str, Any]) -> None:
    for name in ("plan", "country", "language", "time_zone"):
        del body[name]
    assert public_api().post(SIGNUP, body).status_code == 202
    row = SignUp.objects.get()
    assert (row.plan, row.country, row.language, row.time_zone) == ("free", "", "en", "UTC")


def test_the_country_chooses_the_time_zone(public_api: Any, body: dict[str, Any]) -> None:
    body |= {"country": "JP", "time_zone": ""}
    assert public_api().post(SIGNUP, body).status_code == 202
    assert SignUp.objects.get().time_zone == "Asia/Tokyo"


@pytest.mark.parametrize("field", ["library_name", "subdomain", "admin_name", "admin_email", "password"])
def test_missing_blank_and_wrong_types_are_named(
    public_api: Any, body: dict[str, Any], field: str, snapshot: Callable[[], Any]
) -> None:
    before = snapshot()
    client = public_api()
    for value in (None, "", 7, True, [], {}, "a\x07b", "a\nb", "x" * 2000):
        answer = client.post(SIGNUP, {**body, field: value})
        assert answer.status_code == 400
        assert {problem["field"].split(".")[0] for problem in answer.json()["errors"]} == {field}
    del body[field]
    answer = client.post(SIGNUP, body)
    assert answer.json()["errors"][0]["code"] == "required"
    assert snapshot() == before


def test_a_taken_name_is_a_400_with_suggestions(
    public_api: Any, body: dict[str, Any], north: Any, snapshot: Callable[[], Any]
) -> None:
    before = snapshot()
    answer = public_api().post(SIGNUP, {**body, "subdomain": "North"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "validation_failed")
    (error,) = problem["errors"]
    assert (error["field"], error["code"]) == ("subdomain", "taken")
    assert problem["suggestions"]
    assert problem["suggestions"][0] in error["detail"]
    assert snapshot() == before


def test_unknown_fields_are_named_with_the_nearest(
    public_api: Any, body: dict[str, Any], snapshot: Callable[[], Any]
) -> None:
    before = snapshot()
    answer = public_api().post(SIGNUP, {**body, "sub_domain": "x"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field")
    assert '"subdomain"' in answer.json()["errors"][0]["detail"]
    for name in ("id", "status", "library_id", "token_digest", "password_hash"):
        assert public_api().post(SIGNUP, {**body, name: "x"}).status_code == 400
    assert snapshot() == before


def test_nobody_can_find_out_whose_address_is_known(
    public_api: Any, body: dict[str, Any], north: Any
) -> None:
    """The same answer for an admin of a library, for one who waits for a link, and for a stranger."""
    client = public_api()
    answers = [
        client.post(SIGNUP, {**body, "admin_email": address, "admin_name": "Someone Else"})
        for address in (
            "admin@north.example",
            "hanna@harbour.example",
            "hanna@harbour.example",
            "new@new.example",
        )
    ]
    seen = set()
    for answer in answers:
        shown = answer.json()
        uuid.UUID(shown.pop("id"))
        headers = {name.lower() for name in answer.headers}
        seen.add((answer.status_code, str(shown), tuple(sorted(headers)), len(answer.content)))
    assert len(seen) == 1


def test_the_same_key_gives_the_same_answer_and_one_sign_up(public_api: Any, body: dict[str, Any]) -> None:
    client, key = public_api(), uuid.uuid4().hex
    first = client.post(SIGNUP, body, HTTP_IDEMPOTENCY_KEY=key)
    again = client.post(SIGNUP, body, HTTP_IDEMPOTENCY_KEY=key)
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert SignUp.objects.count() == 1
    other = client.post(SIGNUP, {**body, "password": "another-long-secret"}, HTTP_IDEMPOTENCY_KEY=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert SignUp.objects.count() == 1


def test_texts_follow_the_language_and_codes_do_not(public_api: Any, body: dict[str, Any]) -> None:
    for language in ("en", "it"):
        answer = public_api().post(SIGNUP, {**body, "subdomain": "ab"}, HTTP_ACCEPT_LANGUAGE=language)
        assert answer.json()["errors"][0]["code"] == "too_short"
        assert answer["Content-Language"] == language


# -- limits ----------------------------------------------------------------------------------------------


def test_twenty_an_hour_and_not_one_more(
    public_api: Any, body: dict[str, Any], limits: Any, somewhere: str
) -> None:
    client = public_api()
    for number in range(20):
        answer = client.post(SIGNUP, body, REMOTE_ADDR=somewhere)
        assert answer.status_code == 202
        assert answer["RateLimit-Policy"] == '"signup";q=20;w=3600'
        assert answer["RateLimit"].startswith(f'"signup";r={19 - number};t=')
    refused = client.post(SIGNUP, body, REMOTE_ADDR=somewhere)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 3500 < int(refused["Retry-After"]) <= 3600
    assert SignUp.objects.count() == 20
    assert client.post(SIGNUP, body, REMOTE_ADDR="192.0.2.77").status_code == 202


def test_a_refused_attempt_costs_no_sign_up_but_is_counted(
    public_api: Any, body: dict[str, Any], limits: Any, somewhere: str
) -> None:
    limits.RATE_LIMITS = {**limits.RATE_LIMITS, "signup": (2, 3600), "anonymous": (5, 60)}
    client = public_api()
    for number in range(5):
        answer = client.post(SIGNUP, {**body, "subdomain": "ab"}, REMOTE_ADDR=somewhere)
        assert answer.status_code == 400
        assert answer["RateLimit"].startswith(f'"anonymous";r={4 - number};')
    assert client.post(SIGNUP, {**body, "subdomain": "ab"}, REMOTE_ADDR=somewhere).status_code == 429
    assert client.post(SIGNUP, body, REMOTE_ADDR=somewhere).status_code == 202


# -- the link --------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(databases=["default", "owner"])
def test_from_the_form_to_the_open_library(public_api: Any, api: Any, body: dict[str, Any]) -> None:
    client = public_api()
    identifier = client.post(SIGNUP, body).json()["id"]
    relay()
    answer = client.post(VERIFY, {"token": token_in(mail.outbox[0])})
    assert answer.status_code == 201
    library = Library.objects.get(subdomain="harbour")
    assert answer.json() == {
        "library": {
            "id": str(library.id),
            "name": "Harbour Library",
            "subdomain": "harbour",
            "url": "http://harbour.localhost:8000/",
            "status": "trialing",
        },
        "sign_in_url": "http://harbour.localhost:8000/sign-in/",
    }
    status = client.get(f"{SIGNUP}{identifier}/").json()
    assert status["status"] == "verified"
    assert status["library"] == answer.json()["library"]
    credentials = {"email": body["admin_email"], "password": body["password"]}
    place = urlsplit(answer.json()["sign_in_url"])
    signed_in = public_api().post("/api/v1/auth/login/", credentials, HTTP_HOST=place.netloc)
    assert signed_in.status_code == 200, signed_in.content
    assert signed_in.json()["user"]["email"] == "hanna@harbour.example"
    browser = Client(HTTP_HOST=place.netloc)
    form = {"identifier": body["admin_email"], "password": body["password"]}
    assert browser.get(place.path).status_code == 200
    assert browser.post(place.path, form)["Location"] == "/account/"
    assert "Admin" in browser.get("/account/").content.decode()


@pytest.mark.usefixtures("quick_provisioning")
def test_what_a_link_answers_when_it_cannot_be_used(
    public_api: Any, requested: Callable[..., Any], north: Any
) -> None:
    client = public_api()
    used, late, gone = (
        requested()[1],
        requested(subdomain="lateness")[1],
        requested(subdomain="gonesville")[1],
    )
    assert client.post(VERIFY, {"token": used}).status_code == 201
    SignUp.objects.filter(subdomain="lateness").update(expires_at=clock.now())
    SignUp.objects.filter(subdomain="gonesville").update(subdomain="north")
    expected = {
        used: (409, "token_used"),
        late: (400, "token_expired"),
        gone: (409, "subdomain_taken"),
        "nonsense": (400, "token_invalid"),
        used[:-2]: (400, "token_invalid"),
    }
    for token, (status, code) in expected.items():
        answer = client.post(VERIFY, {"token": token})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert Library.objects.filter(subdomain="harbour").count() == 1


@pytest.mark.usefixtures("quick_provisioning")
def test_the_same_key_opens_the_library_once_and_says_so_twice(
    public_api: Any, requested: Callable[..., Any]
) -> None:
    token, key = requested()[1], uuid.uuid4().hex
    first = public_api().post(VERIFY, {"token": token}, HTTP_IDEMPOTENCY_KEY=key)
    again = public_api().post(VERIFY, {"token": token}, HTTP_IDEMPOTENCY_KEY=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()


@pytest.mark.parametrize(
    "sent", [{}, {"token": None}, {"token": ""}, {"token": 7}, {"token": "a", "x": 1}, []]
)
def test_bodies_that_are_no_token(public_api: Any, sent: Any) -> None:
    assert public_api().post(VERIFY, sent).status_code == 400


# -- status ----------------------------------------------------------------------------------------------


def test_the_status_names_no_person(public_api: Any, requested: Callable[..., Any]) -> None:
    row, _token = requested()
    answer = public_api().get(f"{SIGNUP}{row.pk}/")
    assert answer.status_code == 200
    assert answer.json() == {
        "id": str(row.pk),
        "status": "pending_verification",
        "subdomain": "harbour",
        "created_at": answer.json()["created_at"],
        "expires_at": answer.json()["expires_at"],
        "library": None,
    }
    SignUp.objects.update(expires_at=clock.now())
    assert public_api().get(f"{SIGNUP}{row.pk}/").json()["status"] == "expired"


@pytest.mark.parametrize(
    "identifier", ["6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "1", "x", "00000000-0000-0000-0000-000000000000"]
)
def test_an_unknown_sign_up(public_api: Any, requested: Callable[..., Any], identifier: str) -> None:
    requested()
    answer = public_api().get(f"{SIGNUP}{identifier}/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_signing_up_is_for_the_public_site_alone(api: Any, north: Any, body: dict[str, Any]) -> None:
    client = api(north)
    assert client.post(SIGNUP, body).status_code == 404
    assert client.post(VERIFY, {"token": "x"}).status_code == 404
    assert client.get(f"{AVAILABILITY}?subdomain=x").status_code == 404
    assert not SignUp.objects.exists()
