"""Signing in with a real provider process: the whole way, for API clients and browsers."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from saas.core.tenancy import in_library
from tests.snapshots import differences, snapshot
from tests.tenant_apps.federation.conftest import (
    SOCIAL,
    ProviderProcess,
    Visitor,
    account,
    link,
    registration,
    set_up,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def school(north: Any, process: ProviderProcess) -> Any:
    process.knows("ada", email="reader@north.example", email_verified=True, name="Ada Lovelace")
    process.knows("new", email="new@school.example", email_verified=True, name="Nora New")
    return set_up(north, issuer=process.issuer)


def as_person(process: ProviderProcess, sub: str) -> Any:
    return partial(process.person_signs_in, sub=sub)


def test_a_known_identity_signs_its_user_in(
    north: Any, school: Any, process: ProviderProcess, visitor: Visitor, api: Any
) -> None:
    link(north, school, subject="ada", email="reader@north.example")
    answer = visitor.sign_in(as_person(process, "ada"))
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["user"]["email"] == "reader@north.example"
    client = api(north)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {body['access']}")
    assert client.get("/api/v1/me/").json()["email"] == "reader@north.example"
    renewed = api(north).post("/api/v1/auth/refresh/", {"refresh": body["refresh"]})
    assert renewed.status_code == 200


def test_the_session_is_audited_and_says_with_what(
    north: Any, school: Any, process: ProviderProcess, visitor: Visitor
) -> None:
    from shared_apps.audit.models import AuditEntry
    from tenant_apps.federation.models import LinkedIdentity

    link(north, school, subject="ada", email="reader@north.example")
    visitor.sign_in(as_person(process, "ada"))
    with in_library(north):
        entry = AuditEntry.objects.filter(action="session.started").latest("pk")
        assert entry.changes == {"with": "school"}
        assert LinkedIdentity.objects.get().last_used_at is not None


def test_the_address_sent_to_the_provider_says_what_it_must(
    north: Any, school: Any, visitor: Visitor
) -> None:
    from urllib.parse import parse_qs, urlsplit

    begun = visitor.begin()
    query = {name: values[0] for name, values in parse_qs(urlsplit(begun["authorization_url"]).query).items()}
    assert query["redirect_uri"] == "http://north.localhost/api/v1/auth/social/school/callback/"
    assert query["response_type"] == "code"
    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == 43
    secrets = [query["state"], query["nonce"], query["code_challenge"], begun["flow_token"]]
    assert len(set(secrets)) == 4
    assert all(len(secret) >= 43 for secret in secrets)
    assert set(query["scope"].split()) == {"openid", "email", "profile"}


def test_an_address_of_an_account_signs_nobody_in_and_links_nothing(
    north: Any, school: Any, process: ProviderProcess, visitor: Visitor
) -> None:
    before = snapshot("lib_north", "public")
    answer = visitor.sign_in(as_person(process, "ada"))
    assert answer.status_code == 409
    assert answer.json()["code"] == "account_exists"
    assert "access" not in answer.json()
    assert differences(before, snapshot("lib_north", "public")) == {}


def test_its_owner_may_link_it_after_the_password(
    north: Any, school: Any, process: ProviderProcess, visitor: Visitor, api: Any
) -> None:
    token = visitor.sign_in(as_person(process, "ada")).json()["link_token"]
    owner = api(north, "reader")
    linked = owner.post(f"{SOCIAL}/link/", {"token": token})
    assert linked.status_code == 201, linked.content
    assert linked.json()["provider"] == "school"
    answer = visitor.sign_in(as_person(process, "ada"))
    assert answer.status_code == 200
    assert answer.json()["user"]["email"] == "reader@north.example"


def test_a_link_token_is_of_one_account_for_one_use(
    north: Any, school: Any, process: ProviderProcess, visitor: Visitor, api: Any
) -> None:
    from tenant_apps.federation.models import LinkedIdentity

    token = visitor.sign_in(as_person(process, "ada")).json()["link_token"]
    assert api(north).post(f"{SOCIAL}/link/", {"token": token}).status_code == 401
    assert api(north, "librarian").post(f"{SOCIAL}/link/", {"token": token}).status_code == 401
    with in_library(north):
        assert not LinkedIdentity.objects.exists()
    owner = api(north, "reader")
    assert owner.post(f"{SOCIAL}/link/", {"token": token}).status_code == 201
    assert owner.post(f"{SOCIAL}/link/", {"token": token}).status_code == 401


def test_somebody_new_gets_an_account_where_registration_is_open(
    north: Any, school: Any, process: ProviderProcess, visitor: Visitor, api: Any
) -> None:
    from allauth.account.models import EmailAddress

    registration(north, "open")
    answer = visitor.sign_in(as_person(process, "new"))
    assert answer.status_code == 200, answer.content
    user = account(north, "new@school.example")
    assert user.name == "Nora New"
    assert not user.has_usable_password()
    with in_library(north):
        assert EmailAddress.objects.get(user=user).verified
    client = api(north)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    assert [role["role"] for role in client.get("/api/v1/me/").json()["roles"]] == ["reader"]
    again = visitor.sign_in(as_person(process, "new"))
    assert again.json()["user"]["id"] == str(user.pk)


def test_somebody_new_waits_where_registration_asks_for_approval(
    north: Any, school: Any, process: ProviderProcess, visitor: Visitor
) -> None:
    from saas.core import clock
    from saas.core.principals import SYSTEM
    from shared_apps.accounts.services import approve_user

    registration(north, "approval")
    for _again in range(2):
        answer = visitor.sign_in(as_person(process, "new"))
        assert (answer.status_code, answer.json()["code"]) == (401, "awaiting_approval")
    user = account(north, "new@school.example")
    assert user.awaiting_approval
    assert not user.is_active
    with in_library(north):
        approve_user(user_id=user.pk, by=SYSTEM, now=clock.now())
    assert visitor.sign_in(as_person(process, "new")).status_code == 200


def test_somebody_new_is_refused_where_registration_is_closed(
    north: Any, school: Any, process: ProviderProcess, visitor: Visitor
) -> None:
    registration(north, "closed")
    before = snapshot("lib_north", "public")
    answer = visitor.sign_in(as_person(process, "new"))
    assert (answer.status_code, answer.json()["code"]) == (403, "registration_closed")
    assert differences(before, snapshot("lib_north", "public")) == {}


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "someone@school.example"},
        {"email": "someone@school.example", "email_verified": False},
        {"email": "someone@school.example", "email_verified": "true"},
        {"email": "reader@north.example", "email_verified": False},
        {"email_verified": True},
        {"email": "not an address", "email_verified": True},
    ],
)
def test_an_address_that_was_not_verified_is_no_address(
    north: Any, school: Any, process: ProviderProcess, visitor: Visitor, claims: dict[str, Any]
) -> None:
    registration(north, "open")
    process.knows("vague", **claims)
    before = snapshot("lib_north", "public")
    answer = visitor.sign_in(as_person(process, "vague"))
    assert (answer.status_code, answer.json()["code"]) == (403, "provider_email_unverified")
    assert differences(before, snapshot("lib_north", "public")) == {}


def test_only_addresses_of_its_domains_are_new_here(
    north: Any, process: ProviderProcess, visitor: Visitor
) -> None:
    set_up(north, issuer=process.issuer, email_domains=["school.example"])
    registration(north, "open")
    process.knows("in", email="in@school.example", email_verified=True)
    process.knows("out", email="out@not-school.example", email_verified=True)
    process.knows("below", email="x@sub.school.example", email_verified=True)
    for sub in ("out", "below"):
        answer = visitor.sign_in(as_person(process, sub))
        assert (answer.status_code, answer.json()["code"]) == (403, "email_domain_not_allowed")
    assert visitor.sign_in(as_person(process, "in")).status_code == 200


def test_a_closed_account_stays_closed(
    north: Any, school: Any, process: ProviderProcess, visitor: Visitor
) -> None:
    identity = link(north, school, subject="ada", email="reader@north.example")
    with in_library(north):
        type(identity.user).objects.filter(pk=identity.user_id).update(is_active=False)
    answer = visitor.sign_in(as_person(process, "ada"))
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


def test_a_person_who_says_no_at_the_provider_is_not_signed_in(
    north: Any, school: Any, visitor: Visitor
) -> None:
    begun = visitor.begin()
    state = begun["authorization_url"].split("state=")[1].split("&")[0]
    answer = visitor.finish({"state": state, "error": "access_denied"}, flow_token=begun["flow_token"])
    assert (answer.status_code, answer.json()["code"]) == (401, "provider_refused")


def test_the_sign_in_page_lists_the_ways_that_are_open(north: Any, south: Any, api: Any) -> None:
    set_up(north, code="school", issuer="https://login.school.example")
    set_up(north, code="off", issuer="https://login.school.example", enabled=False)
    assert api(north).get(f"{SOCIAL}/").json()["results"] == [{"code": "school", "name": "School"}]
    assert api(south).get(f"{SOCIAL}/").json()["results"] == []
    assert api(north).post(f"{SOCIAL}/off/", {}).status_code == 404
    assert api(south).post(f"{SOCIAL}/school/", {}).status_code == 404
