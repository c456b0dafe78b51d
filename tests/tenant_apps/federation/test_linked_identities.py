"""One's own linked identities: seen and taken away by their owner, and never the last way in."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from tests.identity_provider import FakeProvider
from tests.snapshots import differences, snapshot
from tests.tenant_apps.federation.conftest import SOCIAL, Visitor, account, link, registration, set_up

pytestmark = pytest.mark.django_db
IDENTITIES = f"{SOCIAL}/identities/"


@pytest.fixture
def provider(north: Any) -> Any:
    return set_up(north, issuer="https://login.school.example")


def test_people_see_their_own(north: Any, provider: Any, api: Any) -> None:
    mine = link(north, provider, subject="mine", email="reader@north.example")
    link(north, provider, subject="theirs", email="librarian@north.example")
    (shown,) = api(north, "reader").get(IDENTITIES).json()["results"]
    assert shown["id"] == str(mine.pk)
    assert (shown["provider"], shown["provider_name"], shown["last_used_at"]) == ("school", "School", None)
    assert "mine" not in str(shown)
    assert api(north).get(IDENTITIES).status_code == 401


def test_people_take_away_their_own_alone(north: Any, provider: Any, api: Any) -> None:
    theirs = link(north, provider, subject="theirs", email="librarian@north.example")
    mine = link(north, provider, subject="mine", email="reader@north.example")
    client, admin = api(north, "reader"), api(north, "admin")
    before = snapshot("lib_north")
    assert client.delete(f"{IDENTITIES}{theirs.pk}/").status_code == 404
    assert admin.delete(f"{IDENTITIES}{theirs.pk}/").status_code == 404
    assert api(north).delete(f"{IDENTITIES}{mine.pk}/").status_code == 401
    assert differences(before, snapshot("lib_north")) == {}
    assert client.delete(f"{IDENTITIES}{mine.pk}/").status_code == 204
    assert client.get(IDENTITIES).json()["results"] == []


def test_the_last_way_in_stays(north: Any, provider: Any, api: Any) -> None:
    """Without a password, one identity of a provider that is on must remain."""
    other = set_up(north, code="other", issuer="https://other.example")
    first = link(north, provider, subject="one", email="reader@north.example")
    second = link(north, other, subject="two", email="reader@north.example")
    client = api(north, "reader")
    user = account(north, "reader@north.example")
    with in_library(north):
        user.set_unusable_password()
        user.save()
    client = api(north, user)
    with in_library(north):
        type(other).objects.filter(pk=other.pk).update(enabled=False)
    refused = client.delete(f"{IDENTITIES}{first.pk}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "last_way_in")
    with in_library(north):
        type(other).objects.filter(pk=other.pk).update(enabled=True)
    assert client.delete(f"{IDENTITIES}{first.pk}/").status_code == 204
    assert client.delete(f"{IDENTITIES}{second.pk}/").json()["code"] == "last_way_in"


def test_a_link_and_its_end_are_audited(north: Any, fake: FakeProvider, visitor: Visitor, api: Any) -> None:
    from shared_apps.audit.models import AuditEntry

    set_up(north, issuer=fake.issuer)
    fake.claims = {"email": "reader@north.example", "email_verified": True}
    token = visitor.sign_in(fake.person_signs_in).json()["link_token"]
    client = api(north, "reader")
    linked = client.post(f"{SOCIAL}/link/", {"token": token}).json()
    client.delete(f"{IDENTITIES}{linked['id']}/")
    user = account(north, "reader@north.example")
    with in_library(north):
        entries = AuditEntry.objects.filter(action__startswith="identity.").order_by("pk")
        assert [(e.action, e.changes, e.actor_user_id) for e in entries] == [
            ("identity.linked", {"provider": "school", "user": user.pk}, user.pk),
            ("identity.unlinked", {"provider": "school", "user": user.pk}, user.pk),
        ]


def test_an_identity_is_linked_to_one_account(
    north: Any, fake: FakeProvider, visitor: Visitor, api: Any
) -> None:
    """Two accounts may have waited for it; the first to say yes has it."""
    provider = set_up(north, issuer=fake.issuer)
    fake.claims = {"email": "reader@north.example", "email_verified": True}
    token = visitor.sign_in(fake.person_signs_in).json()["link_token"]
    link(north, provider, subject="person-1", email="librarian@north.example")
    client = api(north, "reader")
    before = snapshot("lib_north")
    answer = client.post(f"{SOCIAL}/link/", {"token": token})
    assert (answer.status_code, answer.json()["code"]) == (409, "identity_taken")
    assert differences(before, snapshot("lib_north")) == {}


@pytest.mark.parametrize("token", ["", "x", "a" * 101, "../../x", 5, None, ["x"]])
def test_a_link_token_that_is_none(north: Any, provider: Any, api: Any, token: Any) -> None:
    client = api(north, "reader")
    before = snapshot("lib_north")
    answer = client.post(f"{SOCIAL}/link/", {"token": token})
    assert answer.status_code in (400, 401)
    assert differences(before, snapshot("lib_north")) == {}


def test_a_link_token_of_another_library(
    north: Any, south: Any, fake: FakeProvider, visitor: Visitor, api: Any
) -> None:
    set_up(north, issuer=fake.issuer)
    set_up(south, issuer=fake.issuer)
    fake.claims = {"email": "reader@north.example", "email_verified": True}
    token = visitor.sign_in(fake.person_signs_in).json()["link_token"]
    stranger = api(south, "reader")
    before = snapshot("lib_north", "lib_south")
    assert stranger.post(f"{SOCIAL}/link/", {"token": token}).status_code == 401
    assert differences(before, snapshot("lib_north", "lib_south")) == {}
    assert api(north, "reader").post(f"{SOCIAL}/link/", {"token": token}).status_code == 201


def test_an_erased_person_is_known_to_nobody(north: Any, provider: Any) -> None:
    from tenant_apps.federation.models import LinkedIdentity
    from tenant_apps.federation.selectors import export_of_account
    from tenant_apps.federation.services import erase_account

    mine = link(north, provider, subject="mine", email="reader@north.example")
    link(north, provider, subject="theirs", email="librarian@north.example")
    with in_library(north):
        (exported,) = export_of_account(mine.user_id)["linked_identities"]
        assert (exported["provider"], exported["subject"]) == ("school", "mine")
        erase_account(user_id=mine.user_id, by=SYSTEM, now=clock.now())
        assert list(LinkedIdentity.objects.values_list("subject", flat=True)) == ["theirs"]


def test_an_account_made_by_a_provider_can_set_a_password_by_mail(
    north: Any, fake: FakeProvider, visitor: Visitor, api: Any
) -> None:
    from shared_apps.accounts.services import reset_link_parts

    set_up(north, issuer=fake.issuer)
    registration(north, "open")
    fake.claims = {"email": "new@school.example", "email_verified": True}
    assert visitor.sign_in(fake.person_signs_in).status_code == 200
    user = account(north, "new@school.example")
    client = api(north, user)
    (identity,) = client.get(IDENTITIES).json()["results"]
    assert client.delete(f"{IDENTITIES}{identity['id']}/").json()["code"] == "last_way_in"
    with in_library(north):
        link_parts = reset_link_parts(user)
    body = {**link_parts, "new_password1": "another-long-pass-phrase"}
    assert api(north).post("/api/v1/auth/password/reset/confirm/", body).status_code == 200
    client = api(north, account(north, "new@school.example"))
    assert client.delete(f"{IDENTITIES}{identity['id']}/").status_code == 204


def test_the_owner_is_told_of_a_link_by_mail(
    north: Any, fake: FakeProvider, visitor: Visitor, api: Any, mailoutbox: list[Any]
) -> None:
    from shared_apps.delivery.services import relay

    set_up(north, issuer=fake.issuer)
    fake.claims = {"email": "reader@north.example", "email_verified": True}
    token = visitor.sign_in(fake.person_signs_in).json()["link_token"]
    with in_library(north):
        relay()
    assert mailoutbox == [], "as long as nobody has said yes there is nothing to tell"
    assert api(north, "reader").post(f"{SOCIAL}/link/", {"token": token}).status_code == 201
    with in_library(north):
        relay()
    (letter,) = mailoutbox
    assert letter.to == ["reader@north.example"]
    assert letter.subject == "Another way to sign in at North Library"
    assert "/password/reset/" in letter.body
