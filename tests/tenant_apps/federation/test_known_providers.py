"""Google and GitHub: their documented endpoints, played by a server of the tests (the real ones are not asked)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.identity_provider import CLIENT_ID, FakeProvider, answer_with
from tests.snapshots import differences, snapshot
from tests.tenant_apps.federation.conftest import Visitor, account, link, registration, set_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def google(north: Any, fake: FakeProvider, settings: Any) -> Any:
    settings.GOOGLE_ISSUER = fake.issuer
    return set_up(north, kind="google")


@pytest.fixture
def github(north: Any, fake: FakeProvider, settings: Any) -> Any:
    settings.GITHUB = {
        "issuer": "https://github.com",
        "authorize": f"{fake.address}/authorize",
        "token": f"{fake.address}/token",
        "user": f"{fake.address}/user",
        "emails": f"{fake.address}/user/emails",
    }
    fake.github_emails = [
        {"email": "second@octo.example", "primary": False, "verified": True},
        {"email": "Mona@Octo.example", "primary": True, "verified": True},
    ]
    return set_up(north, kind="github")


def test_the_addresses_are_those_of_the_documentation(settings: Any) -> None:
    assert settings.GOOGLE_ISSUER == "https://accounts.google.com"
    assert settings.GITHUB == {
        "issuer": "https://github.com",
        "authorize": "https://github.com/login/oauth/authorize",
        "token": "https://github.com/login/oauth/access_token",
        "user": "https://api.github.com/user",
        "emails": "https://api.github.com/user/emails",
    }


def test_google_is_openid_connect_with_an_issuer_that_is_known(
    north: Any, google: Any, fake: FakeProvider, visitor: Visitor
) -> None:
    link(north, google, subject="1098", email="reader@north.example")
    fake.claims = {"sub": "1098", "email": "a@school.example", "hd": "school.example"}
    answer = visitor.sign_in(fake.person_signs_in)
    assert answer.status_code == 200, answer.content
    fake.claims["iss"] = "accounts.google.com"
    assert visitor.sign_in(fake.person_signs_in).json()["code"] == "identity_not_proved"


def test_github_signs_in_whom_it_knows_by_number(
    north: Any, github: Any, fake: FakeProvider, visitor: Visitor
) -> None:
    link(north, github, subject="583231", email="reader@north.example")
    begun = visitor.begin()
    query = {name: values[0] for name, values in parse_qs(urlsplit(begun["authorization_url"]).query).items()}
    assert query["client_id"] == CLIENT_ID
    assert query["scope"] == "read:user user:email"
    assert query["code_challenge_method"] == "S256"
    assert "nonce" not in query
    answer = visitor.finish(fake.person_signs_in(begun["authorization_url"]), flow_token=begun["flow_token"])
    assert answer.status_code == 200, answer.content
    assert answer.json()["user"]["email"] == "reader@north.example"


def test_github_brings_somebody_new_with_the_primary_address(
    north: Any, github: Any, fake: FakeProvider, visitor: Visitor
) -> None:
    registration(north, "open")
    assert visitor.sign_in(fake.person_signs_in).status_code == 200
    user = account(north, "mona@octo.example")
    assert user.name == "Mona"
    fake.github_user = {"id": 583231, "login": "renamed", "name": None}
    fake.github_emails = []
    again = visitor.sign_in(fake.person_signs_in)
    assert again.json()["user"]["id"] == str(user.pk)


UNVERIFIED: list[Any] = [
    [],
    [{"email": "reader@north.example", "primary": True, "verified": False}],
    [{"email": "reader@north.example", "primary": True}],
    [{"email": "reader@north.example", "primary": False, "verified": True}],
    [{"email": None, "primary": True, "verified": True}],
    ["reader@north.example"],
]


@pytest.mark.parametrize("emails", UNVERIFIED)
def test_an_address_that_github_has_not_verified_is_none(
    north: Any, github: Any, fake: FakeProvider, visitor: Visitor, emails: Any
) -> None:
    """Also not the one of the profile, which anybody may type."""
    registration(north, "open")
    fake.github_emails = emails
    fake.github_user = {"id": 1, "login": "x", "email": "reader@north.example", "email_verified": True}
    before = snapshot("lib_north")
    answer = visitor.sign_in(fake.person_signs_in)
    assert (answer.status_code, answer.json()["code"]) == (403, "provider_email_unverified")
    assert differences(before, snapshot("lib_north")) == {}


@pytest.mark.parametrize("user", [{}, {"id": "583231"}, {"id": True}, {"id": None}, {"id": 1.5}])
def test_a_person_without_a_number_is_nobody(
    north: Any, github: Any, fake: FakeProvider, visitor: Visitor, user: Any
) -> None:
    link(north, github, subject="583231", email="reader@north.example")
    fake.github_user = user
    answer = visitor.sign_in(fake.person_signs_in)
    assert (answer.status_code, answer.json()["code"]) == (401, "identity_not_proved")


def test_an_error_that_github_calls_ok_is_a_refusal(
    north: Any, github: Any, fake: FakeProvider, visitor: Visitor
) -> None:
    def refused(handler: Any) -> None:
        answer_with(handler, 200, b'{"error": "bad_verification_code"}', "application/json")

    fake.instead["/token"] = refused
    answer = visitor.sign_in(fake.person_signs_in)
    assert (answer.status_code, answer.json()["code"]) == (401, "provider_refused")


def test_an_openid_provider_cannot_speak_for_github(
    north: Any, github: Any, other_fake: FakeProvider, visitor: Visitor, api: Any
) -> None:
    """A subject with GitHub's number from an issuer of somebody's own is somebody else."""
    link(north, github, subject="583231", email="admin@north.example")
    set_up(north, code="bad", issuer=other_fake.issuer)
    other_fake.claims = {"sub": "583231"}
    answer = Visitor(api(north), "bad").sign_in(other_fake.person_signs_in)
    assert answer.status_code in (401, 403)
    assert "access" not in answer.json()
