"""Who must have a second factor and has none keeps a session and nothing else, whichever way they came in."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from saas.core import clock
from saas.core.errors import MfaEnrolmentRequired
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.accounts import services
from shared_apps.accounts.services.passwords import reset_link_parts
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.access.selectors import load_caller, load_principal
from tenant_apps.branches.models import Branch
from tenant_apps.preferences import services as preferences
from tests.authenticators import app_of, unused_code
from tests.factories import PASSWORD, UserFactory
from tests.pages import Browser

LOGIN, ME, MFA = "/api/v1/auth/login/", "/api/v1/me/", "/api/v1/auth/mfa/"
ROLES, TITLES = "/api/v1/roles/", "/api/v1/titles/"
pytestmark = pytest.mark.django_db


def switch(library: Any, on: bool = True) -> None:
    with in_library(library):
        preferences.change(values={"admins_need_mfa": on}, by=SYSTEM, now=clock.now())


def sign_in(api: Any, library: Any, **more: Any) -> Any:
    client = api(library)
    body = {"email": f"admin@{library.subdomain}.example", "password": PASSWORD, **more}
    answer = client.post(LOGIN, body, format="json")
    assert answer.status_code == 200, answer.content
    if "access" in answer.json():
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    return client


def verdict(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "") if answer.status_code >= 400 else ""


REFUSED = (403, "mfa_enrolment_required")


def test_it_is_off_in_a_new_library(api: Any, north: Any) -> None:
    assert verdict(sign_in(api, north).get(ROLES)) == (200, "")
    assert sign_in(api, north).get(MFA).json()["required"] is False


def test_from_the_next_request_on_a_session_that_was_open_can_do_nothing(api: Any, north: Any) -> None:
    client = sign_in(api, north)
    assert verdict(client.get(ROLES)) == (200, "")
    switch(north)
    for path in (ROLES, TITLES, "/api/v1/settings/", "/api/v1/patrons/", "/api/v1/audit/"):
        assert verdict(client.get(path)) == REFUSED, path
    posted = client.post(
        "/api/v1/branches/", {"code": "new", "name": "New", "time_zone": "UTC"}, format="json"
    )
    assert verdict(posted) == REFUSED
    with in_library(north):
        assert not Branch.objects.filter(code="new").exists()
    told = client.get(ME)
    assert told.status_code == 200
    assert told.json()["permissions"] == []
    assert told.json()["branch_permissions"] == {}
    assert client.get(MFA).json()["required"] is True
    switch(north, on=False)
    assert verdict(client.get(ROLES)) == (200, "")


def test_no_way_in_leads_around_it(api: Any, north: Any) -> None:
    """Password, cookies, refresh, a password that was reset, a token of simplejwt's own, the pages."""
    switch(north)
    assert verdict(sign_in(api, north).get(ROLES)) == REFUSED
    assert verdict(sign_in(api, north, transport="cookie").get(ROLES)) == REFUSED
    assert verdict(api(north, "admin").get(ROLES)) == REFUSED, "a token without a session"
    client = api(north)
    body = {"email": "admin@north.example", "password": PASSWORD}
    refresh = client.post(LOGIN, body, format="json").json()["refresh"]
    renewed = client.post("/api/v1/auth/refresh/", {"refresh": refresh}, format="json").json()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {renewed['access']}")
    assert verdict(client.get(ROLES)) == REFUSED
    with in_library(north):
        link = reset_link_parts(services.User.objects.get(email="admin@north.example"))
    reset = {**link, "new_password1": "another-long-pass-phrase"}
    assert api(north).post("/api/v1/auth/password/reset/confirm/", reset, format="json").status_code == 200
    assert verdict(sign_in(api, north, password="another-long-pass-phrase").get(ROLES)) == REFUSED


def test_the_pages_lead_to_where_a_factor_is_set_up(north: Any) -> None:
    browser = Browser(north, "admin")
    assert browser.get("/patrons/").status_code == 200
    switch(north)
    for page in ("/patrons/", "/desk/", "/imports/"):
        answer = browser.get(page)
        assert (answer.status_code, answer["Location"]) == (303, "/account/security/"), page
    assert browser.get("/account/security/").status_code == 200
    assert browser.post("/sign-out/", {"csrfmiddlewaretoken": "x"}).status_code == 403, "CSRF still counts"


def test_enrolling_opens_everything_at_the_next_request(api: Any, north: Any, ticking: Any) -> None:
    from tests.authenticators import code_at

    switch(north)
    client = sign_in(api, north)
    assert verdict(client.get(ROLES)) == REFUSED
    secret = client.post(f"{MFA}totp/", {"password": PASSWORD}, format="json").json()["secret"]
    assert verdict(client.get(ROLES)) == REFUSED, "begun is not done"
    confirmed = client.post(f"{MFA}totp/confirm/", {"code": code_at(secret, ticking(30))}, format="json")
    assert confirmed.status_code == 201
    assert verdict(client.get(ROLES)) == (200, "")
    [code, *_rest] = confirmed.json()["recovery_codes"]
    removed = client.delete(f"{MFA}totp/", {"password": PASSWORD, "otp": code}, format="json")
    assert verdict(removed) == (409, "factor_needed")
    assert verdict(client.get(ROLES)) == (200, "")
    switch(north, on=False)
    body = {"password": PASSWORD, "otp": code_at(secret, ticking(30))}
    assert client.delete(f"{MFA}totp/", body, format="json").status_code == 204


def test_recovery_codes_alone_are_no_factor(api: Any, north: Any) -> None:
    switch(north)
    with in_library(north):
        user = services.User.objects.get(email="admin@north.example")
        app_of(user)
        assert load_principal(user.pk).may("roles.manage")
        Authenticator.objects.filter(user=user).update(type="recovery_codes")
        assert load_principal(user.pk).lacks_factor


@pytest.mark.parametrize(
    ("role", "scope", "needed"),
    [
        ("admin", None, True),
        ("admin", "branch", True),
        ("members.manage", None, True),
        ("roles.manage", None, True),
        ("roles.manage", "branch", True),
        ("catalog.manage", None, False),
        ("librarian", None, False),
        ("reader", None, False),
        (None, None, False),
    ],
)
def test_who_must(in_north: Any, role: str | None, scope: str | None, needed: bool) -> None:
    """Admins, and whoever manages members or roles, anywhere; nobody else."""
    switch(in_north)
    user = UserFactory()
    if role is not None:
        found = Role.objects.filter(code=role).first() or Role.objects.create(
            code="made", name="Made", permissions=[role]
        )
        branch = Branch.objects.get(code="main") if scope else None
        RoleAssignment.objects.create(user=user, role=found, branch=branch, created_at=clock.now())
    caller = load_caller(user.pk, None)
    assert caller is not None
    assert caller.principal == load_principal(user.pk)
    assert (caller.principal.needs_factor, caller.principal.lacks_factor) == (needed, needed)
    assert caller.principal.is_person
    if needed:
        nothing = (frozenset(), {}, {})
        held = caller.principal
        assert (held.permissions, held.branch_permissions, held.collection_permissions) == nothing
        app_of(user)
        assert not load_principal(user.pk).lacks_factor
        assert load_principal(user.pk).may_anywhere("roles.manage") or role == "members.manage"


def test_it_costs_no_query(in_north: Any, django_assert_num_queries: Any) -> None:
    switch(in_north)
    user = services.User.objects.get(email="admin@north.example")
    for _ in range(2):
        with django_assert_num_queries(1):
            load_caller(user.pk, None)
        app_of(user)


def test_platform_staff_always_must(public_api: Any) -> None:
    staff = UserFactory(email="new@platform.example", is_staff=True, is_superuser=True)
    Authenticator.objects.filter(user=staff).delete()
    client = public_api(staff, factor=False)
    path = "/api/v1/platform/libraries/"
    assert verdict(client.get(path)) == REFUSED
    assert client.get(MFA).json()["required"] is True
    app_of(staff)
    assert verdict(client.get(path)) == (200, "")
    body = {"password": PASSWORD, "otp": unused_code(staff)}
    assert verdict(client.delete(f"{MFA}totp/", body, format="json")) == (409, "factor_needed")
    assert Authenticator.objects.filter(user=staff).exists()


def test_staff_sign_in_with_a_code_alone_never_with_the_password_alone(public_api: Any) -> None:
    staff = UserFactory(email="new@platform.example", is_staff=True)
    body = {"email": staff.email, "password": PASSWORD}
    assert verdict(public_api().post(LOGIN, body, format="json")) == (401, "mfa_required")
    assert verdict(public_api().post(LOGIN, {**body, "otp": unused_code(staff)}, format="json")) == (200, "")


def test_the_answer_between_password_and_code_is_no_key_to_anything(api: Any, north: Any) -> None:
    """What a client holds after the right password and before the code opens nothing."""
    with in_library(north):
        app_of(services.User.objects.get(email="admin@north.example"))
    client = api(north)
    body = {"email": "admin@north.example", "password": PASSWORD, "transport": "cookie"}
    answer = client.post(LOGIN, body, format="json")
    assert verdict(answer) == (401, "mfa_required")
    assert set(answer.json()) == {"type", "title", "status", "detail", "code", "request_id", "methods"}
    for path in (ME, MFA, ROLES, "/api/v1/auth/sessions/"):
        assert client.get(path).status_code == 401
    for path in ("totp/", "recovery-codes/", "webauthn/options/"):
        assert client.post(f"{MFA}{path}", {"password": PASSWORD}, format="json").status_code == 401
    assert MfaEnrolmentRequired.code not in str(answer.json())
