"""The page behind an invitation's link: one field, no JavaScript, and a GET that spends nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from tenant_apps.access.models import RoleAssignment
from tests import factories
from tests.factories import PASSWORD as THEIR_PASSWORD
from tests.pages import check_outline, hidden_fields, open_session, text_of
from tests.snapshots import differences, snapshot
from tests.tenant_apps.members.people import PASSWORD, link_of, standard, state_of

pytestmark = pytest.mark.django_db
PAGE = "/invitations/accept/"


def invitation(library: Any, **values: Any) -> Any:
    with in_library(library):
        return factories.InvitationFactory(**values)


def browser(library: Any) -> Client:
    return Client(HTTP_HOST=f"{library.subdomain}.localhost", enforce_csrf_checks=True)


def send(client: Client, library: Any, row: Any, **fields: str) -> Any:
    """The form of the page, filled in and sent with what it holds."""
    page = client.get(f"{PAGE}?token={link_of(library, row.pk)}")
    assert page.status_code == 200
    return client.post(PAGE, {**hidden_fields(page, PAGE), **fields})


def test_somebody_new_chooses_a_password_and_is_in(north: Any) -> None:
    row = invitation(north)
    client = browser(north)
    before = snapshot("lib_north", "public")
    page = client.get(f"{PAGE}?token={link_of(north, row.pk)}")
    assert differences(before, snapshot("lib_north", "public")) == {}
    check_outline(page)
    assert page.content.decode().count('type="password"') == 1
    assert "<script" not in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    done = send(client, north, row, password=PASSWORD)
    assert done.status_code == 200
    check_outline(done)
    with in_library(north):
        user = User.objects.get(email=row.email)
        assert user.check_password(PASSWORD)
        assert RoleAssignment.objects.filter(user=user, role__code="reader").count() == 1
    assert state_of(north, row.pk) == (True, False)
    again = client.get(f"{PAGE}?token={link_of(north, row.pk)}")
    assert again.status_code == 409
    check_outline(again)


@pytest.mark.parametrize("password", ["", "short", "x" * 300])
def test_a_weak_password_is_told_at_its_field_and_the_link_still_works(north: Any, password: str) -> None:
    row, client = invitation(north), browser(north)
    refused = send(client, north, row, password=password)
    assert refused.status_code == 400
    check_outline(refused)
    assert 'id="id_password_error"' in refused.content.decode()
    assert state_of(north, row.pk) == (False, False)
    assert send(client, north, row, password=PASSWORD).status_code == 200


def test_somebody_with_an_account_signs_in_first(north: Any) -> None:
    reader = standard(north, "reader")
    row, client = invitation(north, email=reader.email, role_id=_role(north, "librarian")), browser(north)
    token = link_of(north, row.pk)
    page = client.get(f"{PAGE}?token={token}")
    assert page.status_code == 200
    assert "Sign in" in text_of(page)
    assert 'type="password"' not in page.content.decode()
    assert f"/sign-in/?next=%2Finvitations%2Faccept%2F%3Ftoken%3D{token}" in page.content.decode()
    open_session(client, north, reader)
    assert send(client, north, row).status_code == 200
    with in_library(north):
        held = RoleAssignment.objects.filter(user=reader).values_list("role__code", flat=True)
        assert set(held) == {"reader", "librarian"}
        assert User.objects.get(pk=reader.pk).check_password(THEIR_PASSWORD)


def test_somebody_else_who_is_signed_in_gives_nobody_a_role(north: Any) -> None:
    reader, librarian = standard(north, "reader"), standard(north, "librarian")
    row, client = invitation(north, email=reader.email), browser(north)
    open_session(client, north, librarian)
    page = client.get(f"{PAGE}?token={link_of(north, row.pk)}")
    sent = {
        "token": link_of(north, row.pk),
        "password": PASSWORD,
        "csrfmiddlewaretoken": str(page.context["csrf_token"]),
    }
    before = snapshot("lib_north")
    assert client.post(PAGE, sent).status_code == 409
    changed = differences(before, snapshot("lib_north"))
    assert set(changed) <= {"lib_north.django_session"}
    assert state_of(north, row.pk) == (False, False)


def test_a_form_from_another_site_is_refused(north: Any) -> None:
    row = invitation(north)
    before = snapshot("lib_north", "public")
    answer = browser(north).post(PAGE, {"token": link_of(north, row.pk), "password": PASSWORD})
    assert answer.status_code == 403
    assert differences(before, snapshot("lib_north", "public")) == {}


@pytest.mark.parametrize("token", ["", "x" * 43, "é" * 43, "x" * 5000, "%00", "'--"])
def test_a_link_that_is_none_gets_a_page(north: Any, token: str) -> None:
    answer = browser(north).get(PAGE, {"token": token})
    assert answer.status_code == 400
    check_outline(answer)


def test_a_link_of_another_library_gets_the_same_page(north: Any, south: Any) -> None:
    row = invitation(north)
    foreign = browser(south).get(PAGE, {"token": link_of(north, row.pk)})
    none = browser(south).get(PAGE, {"token": "x" * 43})
    assert (
        (foreign.status_code, text_of(foreign)) == (none.status_code, text_of(none)) == (400, text_of(none))
    )
    assert row.email not in foreign.content.decode()
    assert browser(north).get(PAGE, {"token": link_of(north, row.pk)}).status_code == 200


def _role(library: Any, code: str) -> int:
    from tenant_apps.access.models import Role

    with in_library(library):
        return int(Role.objects.get(code=code).pk)
