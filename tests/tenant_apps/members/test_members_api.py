"""People as their managers see them: lists, accounts closed and opened, and nobody above oneself."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from shared_apps.accounts.services import start_session
from shared_apps.audit.models import AuditEntry
from tenant_apps.access.models import RoleAssignment
from tenant_apps.access.services import assign_role
from tests import factories
from tests.snapshots import differences, snapshot
from tests.tenant_apps.members.people import MANAGER, MEMBERS, member, role_with, standard

pytestmark = pytest.mark.django_db
EVERYTHING = (*MANAGER, "catalog.view", "circulation.lend", "patrons.view", "keys.manage", "settings.manage")


def outcome(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def emails(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["email"] for row in answer.json()["results"]]


def user(library: Any, user_id: int) -> User:
    with in_library(library):
        return User.objects.get(pk=user_id)


# -- the list ---------------------------------------------------------------------------------------------------------------


def test_a_member_is_shown_with_roles_state_and_second_factor(api: Any, north: Any) -> None:
    with in_library(north):
        branch = factories.BranchFactory()
        person = factories.UserFactory(name="Lea Rossi", last_login=dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
        held = assign_role(
            user_id=person.pk, role="librarian", branch=branch.code, by=SYSTEM, now=clock.now()
        )
    shown = api(north, "admin").get(f"{MEMBERS}{person.pk}/")
    assert shown.status_code == 200
    assert shown.json() == {
        "id": str(person.pk),
        "email": person.email,
        "name": "Lea Rossi",
        "state": "active",
        "second_factor": False,
        "last_sign_in": "2026-11-01T00:00:00Z",
        "joined_at": "2026-11-20T09:30:00Z",
        "roles": [
            {"assignment": str(held.pk), "role": "librarian", "branch": branch.code, "collection": None}
        ],
    }


@pytest.mark.parametrize(("kind", "counts"), [("totp", True), ("webauthn", True), ("recovery_codes", False)])
def test_recovery_codes_alone_are_no_second_factor(api: Any, north: Any, kind: str, counts: bool) -> None:
    with in_library(north):
        person = factories.UserFactory()
        Authenticator.objects.create(user=person, type=kind, data={})
    assert api(north, "admin").get(f"{MEMBERS}{person.pk}/").json()["second_factor"] is counts


def test_the_list_is_filtered_and_searched(api: Any, north: Any) -> None:
    with in_library(north):
        here, there = factories.BranchFactory.create_batch(2)
        anna = factories.UserFactory(name="Anna Berg", email="anna@berg.example")
        bert = factories.UserFactory(name="Bert Anders", email="bert@tal.example", is_active=False)
        cara = factories.UserFactory(
            name="Cara", email="cara@see.example", is_active=False, awaiting_approval=True
        )
        now = clock.now()
        assign_role(user_id=anna.pk, role="librarian", branch=here.code, by=SYSTEM, now=now)
        assign_role(user_id=anna.pk, role="reader", branch=there.code, by=SYSTEM, now=now)
        assign_role(user_id=bert.pk, role="librarian", branch=there.code, by=SYSTEM, now=now)
    admin = api(north, "admin")
    for query, found in {
        "search=an": [anna, bert],
        "search=BERG": [anna],
        "search=tal.ex": [bert],
        "state=deactivated": [bert],
        "state=awaiting_approval": [cara],
        f"role=librarian&branch={here.code}": [anna],
        f"role=librarian&branch={there.code}": [bert],
        f"branch={there.code}": [anna, bert],
        "role=nothing": [],
        "search=%25": [],
        "search=_": [],
    }.items():
        theirs = [
            email for email in emails(admin.get(f"{MEMBERS}?{query}")) if not email.endswith("north.example")
        ]
        assert theirs == [one.email for one in found], query
    assert outcome(admin.get(f"{MEMBERS}?state=gone")) == (400, "invalid_parameter")
    assert outcome(admin.get(f"{MEMBERS}?is_staff=true")) == (400, "unknown_parameter")
    assert outcome(admin.get(f"{MEMBERS}?password=x")) == (400, "unknown_parameter")
    assert outcome(admin.get(f"{MEMBERS}?ordering=password")) == (400, "invalid_parameter")


def test_a_list_costs_the_same_for_one_and_for_many(api: Any, north: Any) -> None:
    admin = api(north, "admin")
    with in_library(north):
        branch = factories.BranchFactory()

    def hire(count: int) -> None:
        with in_library(north):
            for one in factories.UserFactory.create_batch(count):
                assign_role(user_id=one.pk, role="librarian", branch=branch.code, by=SYSTEM, now=clock.now())

    def queries() -> int:
        with CaptureQueriesContext(connection) as sent:
            assert admin.get(MEMBERS).status_code == 200
        return len(sent)

    hire(1)
    few = queries()
    hire(15)
    assert queries() == few


def test_no_answer_holds_what_proves_a_person(api: Any, north: Any) -> None:
    admin = api(north, "admin")
    hashed = user(north, standard(north, "reader").pk).password
    for path in (MEMBERS, f"{MEMBERS}{standard(north, 'reader').pk}/"):
        text = admin.get(path).content.decode()
        assert hashed not in text
        assert not {"password", "is_staff", "is_superuser"} & set(text.split('"'))


def test_the_name_is_all_that_can_be_changed(api: Any, north: Any) -> None:
    person = member(north, (("catalog.view",), {}))
    admin, path = api(north, "admin"), f"{MEMBERS}{person.pk}/"
    changed = admin.patch(path, {"name": "Lea Bianchi"})
    assert (changed.status_code, changed.json()["name"]) == (200, "Lea Bianchi")
    before = snapshot("lib_north", "public")
    for field, value in {
        "email": "other@people.example",
        "is_staff": True,
        "is_superuser": True,
        "is_active": False,
        "state": "deactivated",
        "roles": [],
        "role": "admin",
        "permissions": ["roles.manage"],
        "password": "x",
        "id": "1",
        "user_id": 1,
        "awaiting_approval": False,
        "version": 9,
    }.items():
        assert admin.patch(path, {field: value}).status_code == 400, field
    for name in ("a\x00b", "a\nb", "x" * 201, 7, None, ["x"]):
        assert admin.patch(path, {"name": name}).status_code == 400, name
    for method in (admin.put, admin.post, admin.delete):
        assert method(path, {"name": "X"}, headers={"X-HTTP-Method-Override": "PATCH"}).status_code == 405
    assert differences(before, snapshot("lib_north", "public")) == {}


# -- accounts ---------------------------------------------------------------------------------------------------------------


def test_a_closed_account_is_shut_out_at_once_and_can_be_opened_again(api: Any, north: Any) -> None:
    person = standard(north, "librarian")
    with in_library(north):
        tokens = start_session(user=person, now=clock.now())
    theirs, admin = api(north), api(north, "admin")
    theirs.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.access}")
    assert theirs.get("/api/v1/me/").status_code == 200
    for _repeat in range(2):
        closed = admin.post(f"{MEMBERS}{person.pk}/deactivate/")
        assert (closed.status_code, closed.json()["state"]) == (200, "deactivated")
    assert theirs.get("/api/v1/me/").status_code == 401
    refresh = api(north).post("/api/v1/auth/refresh/", {"refresh": tokens.refresh})
    assert refresh.status_code == 401
    opened = admin.post(f"{MEMBERS}{person.pk}/reactivate/")
    assert (opened.status_code, opened.json()["state"]) == (200, "active")
    assert theirs.get("/api/v1/me/").status_code == 401
    assert api(north, person).get("/api/v1/me/").status_code == 200


def test_the_last_admin_stays(api: Any, north: Any) -> None:
    first = standard(north, "admin")
    with in_library(north):
        second = factories.UserFactory()
        assign_role(user_id=second.pk, role="admin", by=SYSTEM, now=clock.now())
    client = api(north, second)
    assert client.post(f"{MEMBERS}{first.pk}/deactivate/").status_code == 200
    before = snapshot("lib_north", "public")
    assert outcome(client.post(f"{MEMBERS}{second.pk}/deactivate/")) == (409, "last_admin")
    assert differences(before, snapshot("lib_north", "public")) == {}
    assert client.get(MEMBERS).status_code == 200


def test_registrations_are_approved_or_refused_once(api: Any, north: Any) -> None:
    admin = api(north, "admin")
    with in_library(north):
        welcome, unknown = factories.UserFactory.create_batch(2, is_active=False, awaiting_approval=True)
    assert admin.post(f"{MEMBERS}{welcome.pk}/approve/").json()["state"] == "active"
    assert admin.post(f"{MEMBERS}{unknown.pk}/refuse/").json()["state"] == "deactivated"
    before = snapshot("lib_north", "public")
    for person in (welcome, unknown):
        for command in ("approve", "refuse"):
            answer = admin.post(f"{MEMBERS}{person.pk}/{command}/")
            assert outcome(answer) == (409, "not_awaiting_approval")
    assert differences(before, snapshot("lib_north", "public")) == {}


def test_a_manager_ends_the_sessions_of_one_member_alone(api: Any, north: Any) -> None:
    person, other = standard(north, "librarian"), standard(north, "reader")
    clients = []
    for one in (person, other):
        with in_library(north):
            tokens = start_session(user=one, now=clock.now())
        client = api(north)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.access}")
        assert client.get("/api/v1/me/").status_code == 200
        clients.append(client)
    assert api(north, "admin").delete(f"{MEMBERS}{person.pk}/sessions/").status_code == 204
    assert [client.get("/api/v1/me/").status_code for client in clients] == [401, 200]
    with in_library(north):
        entry = AuditEntry.objects.filter(action="session.all_ended").latest("pk")
    assert (entry.target_id, entry.actor_user_id) == (str(person.pk), standard(north, "admin").pk)


# -- managers of a branch, and of less than everything ------------------------------------------------------------------------

COMMANDS = ("deactivate", "reactivate", "approve", "refuse")


def every_change(client: Any, user_id: int) -> list[tuple[int, str]]:
    """What each change of a member answers."""
    path = f"{MEMBERS}{user_id}/"
    answers = [client.patch(path, {"name": "Mine"}), client.delete(f"{path}sessions/")]
    answers += [client.post(f"{path}{command}/") for command in COMMANDS]
    return [outcome(answer) for answer in answers]


def test_a_manager_of_a_branch_manages_its_people_alone(api: Any, north: Any) -> None:
    with in_library(north):
        here, there = factories.BranchFactory.create_batch(2)
    manager = member(north, ((*MANAGER, "circulation.lend"), {"branch": here.code}))
    ours = member(north, (("circulation.lend",), {"branch": here.code}))
    theirs = member(north, (("circulation.lend",), {"branch": there.code}))
    with in_library(north):
        applicant = factories.UserFactory(is_active=False, awaiting_approval=True)
    client = api(north, manager)
    assert set(emails(client.get(MEMBERS))) == {manager.email, ours.email}
    before = snapshot("lib_north", "public")
    for person in (theirs, applicant, standard(north, "reader"), standard(north, "admin")):
        assert client.get(f"{MEMBERS}{person.pk}/").status_code == 404
        assert every_change(client, person.pk) == [(404, "not_found")] * 6
    assert differences(before, snapshot("lib_north", "public")) == {}
    assert client.post(f"{MEMBERS}{ours.pk}/deactivate/").status_code == 200
    assert not user(north, ours.pk).is_active
    assert client.post(f"{MEMBERS}{ours.pk}/reactivate/").status_code == 200
    assert client.patch(f"{MEMBERS}{ours.pk}/", {"name": "Nina"}).status_code == 200


def test_nobody_manages_somebody_above_them(api: Any, north: Any) -> None:
    """A colleague at the branch who may do more, there or elsewhere, is seen and left alone."""
    with in_library(north):
        here, there = factories.BranchFactory.create_batch(2)
    manager = member(north, ((*MANAGER, "circulation.lend"), {"branch": here.code}))
    at_desk = (("circulation.lend",), {"branch": here.code})
    stronger = member(north, (("patrons.manage",), {"branch": here.code}))
    elsewhere = member(north, at_desk, (("circulation.lend",), {"branch": there.code}))
    everywhere = member(north, at_desk, (("catalog.view",), {}))
    admin = member(north, at_desk)
    with in_library(north):
        assign_role(user_id=admin.pk, role="admin", by=SYSTEM, now=clock.now())
    client = api(north, manager)
    before = snapshot("lib_north", "public")
    for person in (stronger, elsewhere, everywhere, admin):
        assert client.get(f"{MEMBERS}{person.pk}/").status_code == 200
        assert every_change(client, person.pk) == [(403, "cannot_manage_member")] * 6
    assert differences(before, snapshot("lib_north", "public")) == {}
    with in_library(north):
        assert RoleAssignment.objects.filter(user=admin, role__code="admin").exists()


def test_a_manager_of_the_library_without_all_rights_does_not_close_an_admin(api: Any, north: Any) -> None:
    client = api(north, member(north, (EVERYTHING, {})))
    admin, closed = standard(north, "admin"), member(north, (("rules.manage",), {}))
    with in_library(north):
        User.objects.filter(pk=closed.pk).update(is_active=False)
        assign_role(user_id=factories.UserFactory().pk, role="admin", by=SYSTEM, now=clock.now())
    before = snapshot("lib_north", "public")
    for person in (admin, closed):
        assert every_change(client, person.pk) == [(403, "cannot_manage_member")] * 6
    assert differences(before, snapshot("lib_north", "public")) == {}
    equal = member(north, (("catalog.view", "circulation.lend"), {}))
    assert client.post(f"{MEMBERS}{equal.pk}/deactivate/").status_code == 200


def test_a_manager_of_a_branch_sees_the_roles_there_alone(api: Any, north: Any) -> None:
    with in_library(north):
        here, there = factories.BranchFactory.create_batch(2)
        desk = role_with("circulation.lend")
        person = factories.UserFactory()
        for branch in (here, there):
            assign_role(user_id=person.pk, role=desk.code, branch=branch.code, by=SYSTEM, now=clock.now())
    manager = member(north, ((*MANAGER, "circulation.lend"), {"branch": here.code}))
    path = f"{MEMBERS}{person.pk}/"
    assert [role["branch"] for role in api(north, manager).get(path).json()["roles"]] == [here.code]
    assert len(api(north, "admin").get(path).json()["roles"]) == 2


@pytest.mark.parametrize(
    "pk", ["0", "-1", "01", "1e3", "4611686018427387904", "9" * 40, "x", "%00", "\u0661"]
)
def test_what_is_no_member_is_not_found(api: Any, north: Any, pk: str) -> None:
    client = api(north, "admin")
    before = snapshot("lib_north", "public")
    assert client.get(f"{MEMBERS}{pk}/").status_code == 404
    assert every_change(client, pk) == [(404, "not_found")] * 6  # type: ignore[arg-type]
    assert differences(before, snapshot("lib_north", "public")) == {}


def test_who_was_erased_is_nobodys_member(api: Any, north: Any) -> None:
    with in_library(north):
        gone = factories.UserFactory(is_active=False, erased_at=clock.now())
    client = api(north, "admin")
    assert gone.email not in emails(client.get(f"{MEMBERS}?search={gone.email}"))
    assert every_change(client, gone.pk) == [(404, "not_found")] * 6
