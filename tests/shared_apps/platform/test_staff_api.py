"""Owners invite staff, give and take roles, and take accounts away; nobody else does, and one owner stays."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import mail

from saas.core import clock
from saas.core.errors import CannotGrant
from saas.core.principals import SYSTEM, Principal
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.services import relay
from shared_apps.platform import services
from shared_apps.platform.models import StaffRole, Visit
from shared_apps.platform.rules import ROLES, permissions_of
from shared_apps.platform.selectors import load_principal
from tests.factories import PASSWORD, StaffRoleFactory, UserFactory
from tests.snapshots import differences, snapshot
from tests.tenant_apps.visits.visitors import PRIVATE, visitor

URL = "/api/v1/platform/staff/"
NEW = {"email": "Nora@Platform.example", "name": "Nora New", "roles": ["support", "billing"]}


def member(role: str) -> User:
    user: User = StaffRoleFactory(role=role).user
    return user


@pytest.fixture
def owner(db: None) -> User:
    return member("owner")


def one(user: User, command: str = "") -> str:
    return f"{URL}{user.pk}/" + (f"{command}/" if command else "")


def test_an_invited_person_sets_a_password_by_mail_and_signs_in(public_api: Any, owner: User) -> None:
    answer = public_api(owner).post(URL, NEW, format="json")
    assert answer.status_code == 201
    invited = User.objects.get(email="nora@platform.example")
    assert answer.json() == {
        "id": str(invited.pk),
        "email": "nora@platform.example",
        "name": "Nora New",
        "roles": ["support", "billing"],
        "is_active": True,
        "last_login": None,
    }
    assert (invited.is_staff, invited.is_superuser, invited.has_usable_password()) == (True, False, False)
    relay()
    (message,) = mail.outbox
    assert message.to == ["nora@platform.example"]
    found = re.search(r"http\S+", message.body)
    assert found is not None
    link = parse_qs(urlsplit(found[0]).query)
    body = {name: values[0] for name, values in link.items()} | {"new_password1": "a-long-pass-phrase-9"}
    assert public_api().post("/api/v1/auth/password/reset/confirm/", body, format="json").status_code == 200
    invited.refresh_from_db()
    assert invited.has_usable_password()
    assert public_api(invited).get("/api/v1/platform/libraries/").status_code == 200
    assert public_api(invited).get(URL).status_code == 403


def test_the_mail_is_not_sent_again_once_there_is_a_password(public_api: Any, owner: User) -> None:
    public_api(owner).post(URL, NEW, format="json")
    invited = User.objects.get(email="nora@platform.example")
    invited.set_password(PASSWORD)
    invited.save()
    relay()
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"email": "no address"}, "validation_failed"),
        ({"email": ""}, "validation_failed"),
        ({"name": "two\nlines"}, "validation_failed"),
        ({"roles": ["admin"]}, "validation_failed"),
        ({"roles": "owner"}, "validation_failed"),
        ({"roles": None}, "validation_failed"),
        ({"roles": [["owner"]]}, "validation_failed"),
        ({"is_superuser": True}, "unknown_field"),
        ({"password": "chosen-by-somebody-else"}, "unknown_field"),
    ],
)
def test_a_bad_invitation_makes_nobody(public_api: Any, owner: User, change: Any, code: str) -> None:
    client, before = public_api(owner), snapshot("public")
    answer = client.post(URL, {**NEW, **change}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert differences(before, snapshot("public")) == {}


def test_an_address_is_taken_once(public_api: Any, owner: User) -> None:
    client = public_api(owner)
    assert client.post(URL, NEW, format="json").status_code == 201
    answer = client.post(URL, {**NEW, "email": "NORA@platform.example"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")


def test_roles_change_at_the_next_request_and_are_audited(public_api: Any, owner: User) -> None:
    user = member("support")
    client = public_api(user)
    assert client.get("/api/v1/platform/visits/").status_code == 200
    answer = public_api(owner).patch(one(user), {"roles": ["billing"]}, format="json")
    assert (answer.status_code, answer.json()["roles"]) == (200, ["billing"])
    assert client.get("/api/v1/platform/visits/").status_code == 403
    entry = AuditEntry.objects.get(action="staff.roles_changed")
    assert entry.changes == {"from": ["support"], "to": ["billing"]}
    assert (entry.actor_user_id, entry.target_id) == (owner.pk, str(user.pk))
    public_api(owner).patch(one(user), {"roles": ["billing"]}, format="json")
    assert AuditEntry.objects.filter(action="staff.roles_changed").count() == 1
    assert public_api(owner).patch(one(user), {"roles": []}, format="json").json()["roles"] == []
    assert client.get("/api/v1/platform/libraries/").status_code == 403


@pytest.mark.parametrize("role", sorted(set(ROLES) - {"owner"}))
def test_nobody_promotes_themselves(public_api: Any, role: str, owner: User) -> None:
    user = member(role)
    client, before = public_api(user), snapshot("public")
    for method, address, body in (
        ("patch", one(user), {"roles": ["owner"]}),
        ("post", URL, {**NEW, "roles": ["owner"]}),
        ("post", one(owner, "deactivate"), {}),
        ("patch", one(owner), {"roles": []}),
    ):
        assert getattr(client, method)(address, body, format="json").status_code == 403
    headers = {"X-HTTP-Method-Override": "PATCH"}
    assert client.post(one(user), {"roles": ["owner"]}, format="json", headers=headers).status_code == 405
    assert differences(before, snapshot("public")) == {}


def test_nobody_gives_or_takes_what_they_do_not_have(db: None, owner: User) -> None:
    """A role that could manage staff and do nothing else: the services hold even so."""
    few = Principal(user_id=owner.pk, permissions=frozenset({"platform.staff.manage", *ROLES["billing"]}))
    by_few = {"granter": few, "by": few.actor, "now": clock.now()}
    supporter, biller = member("support"), member("billing")
    with pytest.raises(CannotGrant):
        services.set_staff_roles(user_id=biller.pk, roles=["billing", "owner"], **by_few)
    with pytest.raises(CannotGrant):
        services.set_staff_roles(user_id=supporter.pk, roles=["billing"], **by_few)
    with pytest.raises(CannotGrant):
        services.deactivate_staff(user_id=supporter.pk, **by_few)
    with pytest.raises(CannotGrant):
        services.invite_staff(email="x@platform.example", name="X", roles=["operations"], **by_few)
    assert not User.objects.filter(email="x@platform.example").exists()
    assert load_principal(supporter.pk).roles == ("support",)
    services.set_staff_roles(user_id=biller.pk, roles=[], **by_few)
    assert load_principal(biller.pk).permissions == permissions_of([])


def test_the_last_owner_stays(public_api: Any, owner: User) -> None:
    client = public_api(owner)
    before = snapshot("public")
    for method, address, body in (
        ("patch", one(owner), {"roles": ["support"]}),
        ("patch", one(owner), {"roles": []}),
        ("post", one(owner, "deactivate"), {}),
    ):
        answer = getattr(client, method)(address, body, format="json")
        assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
    assert differences(before, snapshot("public")) == {}
    # Somebody who is owner and inactive, or owner and no staff, is no other owner.
    StaffRoleFactory(role="owner", user=UserFactory(is_staff=True, is_active=False))
    StaffRoleFactory(role="owner", user=UserFactory(is_staff=False))
    assert client.post(one(owner, "deactivate"), {}, format="json").status_code == 409
    other = member("owner")
    assert client.post(one(owner, "deactivate"), {}, format="json").status_code == 200
    assert public_api(other).get(URL).status_code == 200


def test_an_owner_by_createsuperuser_can_be_demoted(public_api: Any, owner: User) -> None:
    root = User.objects.create_superuser("root@platform.example", PASSWORD)
    assert public_api(root).get(URL).status_code == 200
    answer = public_api(owner).patch(one(root), {"roles": ["support"]}, format="json")
    assert answer.json()["roles"] == ["support"]
    root.refresh_from_db()
    assert not root.is_superuser
    assert public_api(root).get(URL).status_code == 403


def test_who_is_deactivated_is_nobody_at_once(public_api: Any, owner: User) -> None:
    user = member("operations")
    client = public_api(user)
    assert client.get("/api/v1/platform/libraries/").status_code == 200
    for _twice in range(2):
        answer = public_api(owner).post(one(user, "deactivate"), {}, format="json")
        assert (answer.status_code, answer.json()["is_active"]) == (200, False)
    assert client.get("/api/v1/platform/libraries/").status_code == 401
    login = {"email": user.email, "password": PASSWORD}
    assert public_api().post("/api/v1/auth/login/", login, format="json").status_code == 401


@pytest.mark.parametrize("how", ["deactivated", "demoted"])
def test_who_may_visit_no_more_has_left(public_api: Any, owner: User, north: Any, how: str) -> None:
    user = member("support")
    answer = public_api(user).post(
        f"/api/v1/platform/libraries/{north.id}/impersonate/",
        {"reason": "Ticket 118", "minutes": 30},
        format="json",
    )
    inside = visitor(north, answer.json()["token"])
    assert inside.get(PRIVATE).status_code == 200
    if how == "deactivated":
        public_api(owner).post(one(user, "deactivate"), {}, format="json")
    else:
        public_api(owner).patch(one(user), {"roles": ["billing"]}, format="json")
    assert inside.get(PRIVATE).status_code == 401
    assert Visit.objects.get().ended_by == "staff"
    with in_library(north):
        assert AuditEntry.objects.filter(action="visit.ended").count() == 1
    relay()
    assert AuditEntry.objects.filter(action="visit.ended").count() == 1


def test_what_was_cut_short_is_done_by_the_outbox(
    owner: User, north: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the commit and before the visits have ended: the message ends them."""
    user = member("support")
    staff = load_principal(user.pk)
    begun = services.begin_visit(
        library_id=north.id, staff=staff, reason="x", minutes=5, access="read", now=clock.now()
    )
    monkeypatch.setattr("shared_apps.platform.services.staff.end_visits_of", lambda **_values: None)
    services.deactivate_staff(user_id=user.pk, granter=load_principal(owner.pk), by=SYSTEM, now=clock.now())
    assert visitor(north, begun.token).get(PRIVATE).status_code == 200
    relay()
    assert visitor(north, begun.token).get(PRIVATE).status_code == 401


def test_the_list_shows_staff_alone_and_costs_the_same_for_few_and_for_many(
    public_api: Any, owner: User, django_assert_num_queries: Any
) -> None:
    UserFactory(email="nobody@platform.example")
    client = public_api(owner)
    for _more in range(2):
        StaffRoleFactory.create_batch(3)
        with django_assert_num_queries(2):  # the caller, the page
            found = client.get(URL).json()["results"]
        assert len(found) == StaffRole.objects.count()
        assert {tuple(row["roles"]) for row in found} == {("owner",), ("support",)}


def test_people_who_are_no_staff_are_not_found(public_api: Any, owner: User) -> None:
    ordinary = UserFactory()
    for address in (one(ordinary), f"{URL}999999/", f"{URL}x/"):
        assert public_api(owner).patch(address, {"roles": ["support"]}, format="json").status_code == 404
    assert public_api(owner).post(one(ordinary, "deactivate"), {}, format="json").status_code == 404
    assert not StaffRole.objects.filter(user=ordinary).exists()
