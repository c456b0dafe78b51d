"""The authenticator: one query for a user and their rights, and the same refusal for every bad token."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken
from rest_framework_simplejwt.tokens import AccessToken

from saas.core import clock
from saas.core.api.authentication import LibraryJWTAuthentication
from saas.core.jwt import SESSION_CLAIM, password_fingerprint
from saas.core.logging import log_context, start_log_context
from saas.core.principals import principal_of
from saas.core.tenancy import in_public
from shared_apps.accounts.models import User
from shared_apps.accounts.services import create_user, end_session, start_session
from tests.authenticators import app_of

pytestmark = pytest.mark.django_db


def request_with(header: str | None = None) -> Request:
    headers = {} if header is None else {"HTTP_AUTHORIZATION": header}
    return Request(
        RequestFactory().get("/api/v1/me/", **headers), authenticators=[LibraryJWTAuthentication()]
    )


def librarian() -> User:
    return User.objects.get(email="librarian@north.example")


def token_for(user: User, **claims: Any) -> str:
    token = AccessToken()
    for name, value in {"sub": str(user.pk), "pwd": password_fingerprint(user.password), **claims}.items():
        if value is not None:
            token[name] = value
    return str(token)


def test_user_and_rights_come_in_one_query(in_north: Any, django_assert_num_queries: Any) -> None:
    access = start_session(user=librarian(), now=clock.now()).access
    request = request_with(f"Bearer {access}")
    with django_assert_num_queries(1):
        assert request.user.email == "librarian@north.example"
        principal = principal_of(request)
        assert principal.may("circulation.lend")
        assert not principal.may("roles.manage")
        assert principal.user_id == request.user.pk
    assert principal.roles == ("librarian",)


def test_the_number_of_roles_does_not_matter(in_north: Any, django_assert_num_queries: Any) -> None:
    from tenant_apps.access.models import Role, RoleAssignment

    user = librarian()
    for role in Role.objects.exclude(code="librarian"):
        RoleAssignment.objects.create(user=user, role=role, created_at=clock.now())
    request = request_with(f"Bearer {start_session(user=user, now=clock.now()).access}")
    with django_assert_num_queries(1):
        assert request.user == user
        assert principal_of(request).may("roles.manage")


def test_the_public_site_has_its_own_people(db: None, django_assert_num_queries: Any) -> None:
    from saas.core.principals import SYSTEM

    with in_public():
        staff = create_user(
            email="s@platform.example",
            name="S",
            verified=True,
            is_staff=True,
            is_superuser=True,
            now=clock.now(),
            by=SYSTEM,
        )
        app_of(staff)
        request = request_with(f"Bearer {start_session(user=staff, now=clock.now()).access}")
        with django_assert_num_queries(1):
            assert request.user == staff
            assert principal_of(request).may("platform.view")


@pytest.mark.parametrize("header", [None, "", "Basic bGVhOng=", "Api-Key lh_123", "Bearer"])
def test_without_a_bearer_token_the_caller_is_anonymous(
    in_north: Any, header: str | None, django_assert_num_queries: Any
) -> None:
    request = request_with(header)
    if header == "Bearer":
        with pytest.raises(AuthenticationFailed):
            _ = request.user
        return
    with django_assert_num_queries(0):
        assert not request.user.is_authenticated
    assert principal_of(request).roles == ("guest",)


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "0"},
        {"sub": "999999999"},
        {"sub": "9" * 30},
        {"sub": "-1"},
        {"sub": "1 or 1=1"},
        {"sub": "\u0661"},
        {"pwd": "0" * 32},
        {"pwd": None},
        {"pwd": 7},
        {SESSION_CLAIM: uuid.uuid4().hex},
        {SESSION_CLAIM: ""},
    ],
)
def test_a_token_of_ours_that_says_something_wrong_is_refused(in_north: Any, claims: dict[str, Any]) -> None:
    user = librarian()
    assert request_with(f"Bearer {token_for(user)}").user == user
    with pytest.raises(InvalidToken):
        _ = request_with(f"Bearer {token_for(user, **claims)}").user


def test_a_session_of_somebody_else_does_not_vouch(in_north: Any) -> None:
    user, other = librarian(), User.objects.get(email="reader@north.example")
    mine, theirs = (start_session(user=one, now=clock.now()).session for one in (user, other))
    assert request_with(f"Bearer {token_for(user, sid=mine)}").user == user
    with pytest.raises(InvalidToken):
        _ = request_with(f"Bearer {token_for(user, sid=theirs)}").user


def test_an_ended_session_is_over_at_once(in_north: Any) -> None:
    user = librarian()
    tokens = start_session(user=user, now=clock.now())
    assert request_with(f"Bearer {tokens.access}").user == user
    end_session(session=tokens.session, reason="test", by=principal_of(request_with()).actor, now=clock.now())
    with pytest.raises(InvalidToken):
        _ = request_with(f"Bearer {tokens.access}").user


def test_every_refusal_is_worded_alike(api: Any, north: Any, in_north: Any) -> None:
    user = librarian()
    tokens = [token_for(user, sub="999999999"), token_for(user, pwd="x"), token_for(user, sid="x"), "a.b.c"]
    answers = []
    for token in tokens:
        response = api(north).get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {token}")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        answers.append({k: v for k, v in response.json().items() if k != "request_id"})
    assert answers == [answers[0]] * 4
    assert (answers[0]["status"], answers[0]["code"]) == (401, "token_invalid")


def test_log_lines_name_the_user(in_north: Any) -> None:
    start_log_context()
    request = request_with(f"Bearer {start_session(user=librarian(), now=clock.now()).access}")
    assert log_context().get("user") is None
    user = request.user.pk
    assert log_context()["user"] == user
