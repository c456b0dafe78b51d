"""Inviting and accepting over HTTP: who may, what a link is worth, and what a hostile caller gets out of it."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from freezegun import freeze_time

from saas.core import clock
from saas.core.principals import SYSTEM, Actor
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from shared_apps.accounts.selectors import has_verified_email
from shared_apps.accounts.services import deactivate_user
from shared_apps.audit.models import AuditEntry, AuditPersonalValues
from shared_apps.delivery.models import OutboxMessage
from shared_apps.delivery.services import relay
from shared_apps.security.models import SecurityEvent
from tenant_apps.access.models import RoleAssignment
from tenant_apps.access.services import assign_role, unassign_role
from tenant_apps.keys.rules import NEVER_BY_KEY
from tenant_apps.members import services
from tenant_apps.members.models import Invitation
from tests import factories
from tests.snapshots import differences, snapshot
from tests.tenant_apps.keys.makers import ALL, key_client, make_key
from tests.tenant_apps.members.people import (
    ACCEPT,
    INVITATIONS,
    MANAGER,
    PASSWORD,
    link_of,
    member,
    role_with,
    standard,
    state_of,
)

pytestmark = pytest.mark.django_db
LOGIN = "/api/v1/auth/login/"


def outcome(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def invite(client: Any, **changes: Any) -> Any:
    return client.post(INVITATIONS, {"email": "new@people.example", "role": "librarian", **changes})


def roles_of(library: Any, email: str) -> list[tuple[str, str | None]]:
    with in_library(library):
        rows = RoleAssignment.objects.filter(user__email=email).order_by("pk")
        return list(rows.values_list("role__code", "branch__code"))


# -- the way through ----------------------------------------------------------------------------------------------------


def test_an_invited_person_gets_an_account_with_the_role_and_signs_in(api: Any, north: Any) -> None:
    made = invite(api(north, "admin"), email="New@People.example", name="Nina", branch="main")
    assert (made.status_code, made.json()["state"]) == (201, "open")
    with in_library(north):
        relay()
    (letter,) = mail.outbox
    assert letter.to == ["new@people.example"]
    (link,) = re.findall(r"https?://\S+", letter.body)
    assert link.startswith("http://north.localhost")
    assert "/invitations/accept/?token=" in link
    token = link.split("token=")[1]
    accepted = api(north).post(ACCEPT, {"token": token, "password": PASSWORD})
    assert accepted.status_code == 201, accepted.content
    assert accepted.json()["role"] == "librarian"
    assert accepted.json()["branch"] == "main"
    assert roles_of(north, "new@people.example") == [("librarian", "main")]
    signed_in = api(north).post(LOGIN, {"email": "new@people.example", "password": PASSWORD})
    assert signed_in.status_code == 200
    with in_library(north):
        user = User.objects.get(email="new@people.example")
        assert (user.name, has_verified_email(user)) == ("Nina", True)
        given = AuditEntry.objects.filter(action="role.assigned").latest("pk")
        assert given.actor_user_id == standard(north, "admin").pk
    shown = api(north, "admin").get(f"{INVITATIONS}{made.json()['id']}/").json()
    assert (shown["state"], shown["accepted_by"]) == ("accepted", str(user.pk))


def test_the_link_is_stored_nowhere(api: Any, north: Any) -> None:
    made = invite(api(north, "admin"))
    token = link_of(north, made.json()["id"])
    assert len(token) == 43
    answers = [made, api(north, "admin").get(INVITATIONS)]
    assert not any(token in answer.content.decode() for answer in answers)
    with in_library(north):
        for table in (Invitation, OutboxMessage, AuditEntry, AuditPersonalValues):
            assert token not in repr(list(table.objects.values()))


def test_an_account_of_the_address_accepts_by_signing_in(api: Any, north: Any) -> None:
    reader = standard(north, "reader")
    made = invite(api(north, "admin"), email=reader.email.upper()).json()
    body = {"token": link_of(north, made["id"])}
    with in_library(north):
        count = User.objects.count()
    strangers = [api(north), api(north, "librarian")]
    for client in strangers:
        for sent in (body, {**body, "password": PASSWORD}):
            assert outcome(client.post(ACCEPT, sent)) == (409, "sign_in_to_accept")
    assert state_of(north, made["id"]) == (False, False)
    assert api(north, reader).post(ACCEPT, body).status_code == 201
    assert roles_of(north, reader.email) == [("reader", None), ("librarian", None)]
    with in_library(north):
        assert User.objects.count() == count
        # The password is the one they had.
        assert User.objects.get(pk=reader.pk).password == reader.password


def test_a_role_that_is_held_already_is_no_obstacle(api: Any, north: Any) -> None:
    reader = standard(north, "reader")
    made = invite(api(north, "admin"), email=reader.email, role="reader").json()
    assert api(north, reader).post(ACCEPT, {"token": link_of(north, made["id"])}).status_code == 201
    assert roles_of(north, reader.email) == [("reader", None)]
    assert state_of(north, made["id"]) == (True, False)


# -- a link is good once, for a week, here ----------------------------------------------------------------------------------


def refused(client: Any, token: Any, *schemas: str) -> tuple[int, str]:
    """What accepting answers, after a look that it has changed nothing."""
    schemas = schemas or ("lib_north", "lib_south", "public")
    before = snapshot(*schemas)
    answer = client.post(ACCEPT, {"token": token, "password": PASSWORD})
    assert differences(before, snapshot(*schemas)) == {}
    return outcome(answer)


def test_a_link_works_once(api: Any, north: Any) -> None:
    token = link_of(north, invite(api(north, "admin")).json()["id"])
    assert api(north).post(ACCEPT, {"token": token, "password": PASSWORD}).status_code == 201
    assert refused(api(north), token) == (409, "token_used")


def test_a_link_lasts_seven_days(api: Any, north: Any) -> None:
    now = clock.now()
    with freeze_time(now):
        made = invite(api(north, "admin")).json()
    token = link_of(north, made["id"])
    with freeze_time(now + dt.timedelta(days=7)):
        assert refused(api(north), token) == (400, "token_expired")
        listed = api(north, "admin").get(f"{INVITATIONS}?state=expired").json()["results"]
        assert [row["id"] for row in listed] == [made["id"]]
    with freeze_time(now + dt.timedelta(days=7, seconds=-1)):
        assert api(north).post(ACCEPT, {"token": token, "password": PASSWORD}).status_code == 201


def test_a_withdrawn_link_is_dead(api: Any, north: Any) -> None:
    admin = api(north, "admin")
    made = invite(admin).json()
    token = link_of(north, made["id"])
    assert [admin.delete(f"{INVITATIONS}{made['id']}/").status_code for _ in range(2)] == [204, 204]
    assert refused(api(north), token) == (401, "token_invalid")
    assert outcome(admin.post(f"{INVITATIONS}{made['id']}/resend/")) == (409, "invitation_not_open")


def test_sending_again_kills_the_old_link_and_opens_an_expired_invitation(api: Any, north: Any) -> None:
    admin = api(north, "admin")
    made = invite(admin).json()
    old = link_of(north, made["id"])
    with in_library(north):
        Invitation.objects.update(expires_at=clock.now())
    again = admin.post(f"{INVITATIONS}{made['id']}/resend/")
    assert (again.status_code, again.json()["state"]) == (200, "open")
    assert refused(api(north), old) == (401, "token_invalid")
    new = link_of(north, made["id"])
    assert api(north).post(ACCEPT, {"token": new, "password": PASSWORD}).status_code == 201
    assert outcome(admin.post(f"{INVITATIONS}{made['id']}/resend/")) == (409, "invitation_not_open")
    assert outcome(admin.delete(f"{INVITATIONS}{made['id']}/")) == (409, "invitation_not_open")


def test_a_link_of_another_library_opens_nothing(api: Any, north: Any, south: Any) -> None:
    made = invite(api(north, "admin")).json()
    token = link_of(north, made["id"])
    assert refused(api(south), token) == (401, "token_invalid")
    # Even with the row in place: the digest is the other library's.
    with in_library(north):
        (row,) = Invitation.objects.values()
    with in_library(south):
        Invitation.objects.create(**row)
    assert refused(api(south), token) == (401, "token_invalid")
    assert api(north).post(ACCEPT, {"token": token, "password": PASSWORD}).status_code == 201


def test_the_public_site_knows_no_invitations(public_api: Any, api: Any, north: Any) -> None:
    token = link_of(north, invite(api(north, "admin")).json()["id"])
    assert public_api().post(ACCEPT, {"token": token, "password": PASSWORD}).status_code == 404
    assert api(north).post(ACCEPT, {"token": token, "password": PASSWORD}).status_code == 201


@pytest.mark.parametrize(
    "token",
    [
        "",
        " ",
        "x",
        "x" * 43,
        "é" * 43,
        "٣" * 43,
        "x" * 129,
        "x" * 100_000,
        "a\x00b",
        None,
        7,
        True,
        [],
        {},
    ],
    ids=lambda token: repr(token)[:12],
)
def test_what_is_no_link_is_refused(api: Any, north: Any, token: Any) -> None:
    invite(api(north, "admin"))
    before = snapshot("lib_north", "public")
    answer = api(north).post(ACCEPT, {"token": token, "password": PASSWORD})
    assert answer.status_code in (400, 401)
    assert answer["Content-Type"].startswith("application/problem+json")
    assert differences(before, snapshot("lib_north", "public")) == {}


@pytest.mark.parametrize(
    "raw", [b'{"token": "\\ud800"}', b'{"token": "\xff"}', b"[" * 10_000, b"", b"token=x"]
)
def test_a_body_that_is_no_json_is_refused(api: Any, north: Any, raw: bytes) -> None:
    before = snapshot("lib_north", "public")
    answer = api(north).generic("POST", ACCEPT, raw, content_type="application/json")
    assert answer.status_code == 400
    assert differences(before, snapshot("lib_north", "public")) == {}


def test_one_changed_character_is_another_link(api: Any, north: Any) -> None:
    token = link_of(north, invite(api(north, "admin")).json()["id"])
    for at in (0, 20, 42):
        other = "x" if token[at] != "x" else "y"
        assert refused(api(north), token[:at] + other + token[at + 1 :]) == (401, "token_invalid")
    assert api(north).post(ACCEPT, {"token": token, "password": PASSWORD}).status_code == 201


@pytest.mark.parametrize("password", [None, "", "short", "password1234"])
def test_a_weak_password_leaves_the_link_alone(api: Any, north: Any, password: str | None) -> None:
    made = invite(api(north, "admin")).json()
    token = link_of(north, made["id"])
    before = snapshot("lib_north", "public")
    body = {"token": token} if password is None else {"token": token, "password": password}
    answer = api(north).post(ACCEPT, body)
    assert answer.status_code == 400
    assert next(problem["field"] for problem in answer.json()["errors"]) == "password"
    assert differences(before, snapshot("lib_north", "public")) == {}
    assert api(north).post(ACCEPT, {"token": token, "password": PASSWORD}).status_code == 201


@pytest.mark.parametrize(
    "more",
    [
        {"role": "admin"},
        {"email": "other@people.example"},
        {"is_staff": True},
        {"is_superuser": True},
        {"branch": None},
        {"permissions": ["roles.manage"]},
        {"user": "1"},
        {"invited_by": "1"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_accepting_takes_nothing_else(api: Any, north: Any, more: dict[str, Any]) -> None:
    token = link_of(north, invite(api(north, "admin")).json()["id"])
    before = snapshot("lib_north", "public")
    answer = api(north).post(ACCEPT, {"token": token, "password": PASSWORD, **more})
    assert outcome(answer) == (400, "unknown_field")
    assert differences(before, snapshot("lib_north", "public")) == {}


@pytest.mark.parametrize(
    "more",
    [
        {"token_digest": "0" * 64},
        {"expires_at": "2099-01-01T00:00:00Z"},
        {"accepted_at": None},
        {"invited_by": "1"},
        {"is_staff": True},
        {"state": "accepted"},
        {"id": "1"},
        {"email": "not an address"},
        {"email": "a@b.example\r\nBcc: c@d.example"},
        {"email": "x" * 250 + "@people.example"},
        {"role": "nothing"},
        {"role": None},
        {"branch": "nowhere"},
        {"collection": "nowhere"},
        {"name": "a\x00b"},
    ],
    ids=lambda more: f"{next(iter(more))}-{str(next(iter(more.values())))[:8]}",
)
def test_inviting_takes_nothing_else(api: Any, north: Any, more: dict[str, Any]) -> None:
    client = api(north, "admin")
    before = snapshot("lib_north", "public")
    assert invite(client, **more).status_code == 400
    assert differences(before, snapshot("lib_north", "public")) == {}
    assert invite(client).status_code == 201


# -- nobody gives what they do not have ------------------------------------------------------------------------------------


def test_nobody_invites_to_more_than_they_have(api: Any, north: Any) -> None:
    with in_library(north):
        here, there = factories.BranchFactory.create_batch(2)
        desk, strong = role_with("circulation.lend"), role_with("circulation.lend", "patrons.manage")
    scope = {"branch": here.code}
    client = api(north, member(north, ((*MANAGER, "circulation.lend"), scope)))
    before = snapshot("lib_north", "public")
    for body in (
        {"role": "admin", **scope},
        {"role": strong.code, **scope},
        {"role": desk.code, "branch": there.code},
        {"role": desk.code, "branch": None},
        {"role": desk.code},
        {"role": "reader"},
    ):
        assert outcome(invite(client, **body)) == (403, "cannot_grant"), body
    assert differences(before, snapshot("lib_north", "public")) == {}
    assert invite(client, role=desk.code, **scope).status_code == 201


@pytest.mark.parametrize("missing", MANAGER)
def test_to_invite_takes_managing_people_and_roles(api: Any, north: Any, missing: str) -> None:
    held = ({*MANAGER, "catalog.view"}) - {missing}
    client = api(north, member(north, (tuple(held), {})))
    before = snapshot("lib_north", "public")
    assert outcome(invite(client, role="reader"))[0] == 403
    assert differences(before, snapshot("lib_north", "public")) == {}
    assert (
        invite(api(north, member(north, ((*MANAGER, "catalog.view"), {}))), role="reader").status_code == 201
    )


def test_people_and_roles_must_be_managed_in_the_same_place(api: Any, north: Any) -> None:
    with in_library(north):
        here, there = factories.BranchFactory.create_batch(2)
        viewer = role_with("catalog.view")
    people = (("members.manage", "catalog.view"), {"branch": here.code})
    client = api(north, member(north, people, (("roles.manage", "catalog.view"), {"branch": there.code})))
    before = snapshot("lib_north", "public")
    for branch in (here, there):
        assert outcome(invite(client, role=viewer.code, branch=branch.code)) == (403, "cannot_grant")
    assert differences(before, snapshot("lib_north", "public")) == {}


def test_who_no_longer_manages_people_has_invited_in_vain(api: Any, north: Any) -> None:
    manager = member(north, ((*MANAGER, "catalog.view"), {}))
    token = link_of(north, invite(api(north, manager), role="reader").json()["id"])
    with in_library(north):
        (held,) = RoleAssignment.objects.filter(user=manager).select_related("role")
        type(held.role).objects.filter(pk=held.role_id).update(permissions=["roles.manage", "catalog.view"])
    assert refused(api(north), token) == (409, "invitation_void")


def test_what_the_inviter_may_no_longer_give_is_refused(api: Any, north: Any) -> None:
    admin = member(north, (tuple(ALL) + tuple(NEVER_BY_KEY), {}))
    made = invite(api(north, admin)).json()
    token = link_of(north, made["id"])
    with in_library(north):
        (held,) = RoleAssignment.objects.filter(user=admin)
        unassign_role(assignment_id=held.pk, by=SYSTEM, now=clock.now())
    assert refused(api(north), token) == (409, "invitation_void")
    with in_library(north):
        (event,) = SecurityEvent.objects.filter(kind="token_refused")
        facts = {
            "what": "invitation",
            "reason": "invitation_void",
            "invitation": int(made["id"]),
            "inviter": admin.pk,
        }
        assert event.facts == facts
    with in_library(north):
        assign_role(user_id=admin.pk, role=held.role.code, by=SYSTEM, now=clock.now())
    assert api(north).post(ACCEPT, {"token": token, "password": PASSWORD}).status_code == 201


def test_an_invitation_dies_with_the_account_of_whoever_sent_it(api: Any, north: Any) -> None:
    admin = member(north, (tuple(ALL) + tuple(NEVER_BY_KEY), {}))
    token = link_of(north, invite(api(north, admin)).json()["id"])
    with in_library(north):
        deactivate_user(user_id=admin.pk, by=Actor("person", 1), now=clock.now())
    assert refused(api(north), token) == (409, "invitation_void")
    with in_library(north):
        Invitation.objects.update(invited_by=None)
    assert refused(api(north), token) == (409, "invitation_void")


def test_a_role_that_grew_after_the_invitation_is_measured_again(api: Any, north: Any) -> None:
    with in_library(north):
        desk = role_with("circulation.lend")
    manager = member(north, ((*MANAGER, "circulation.lend"), {}))
    token = link_of(north, invite(api(north, manager), role=desk.code).json()["id"])
    with in_library(north):
        type(desk).objects.filter(pk=desk.pk).update(permissions=["circulation.lend", "settings.manage"])
    assert refused(api(north), token) == (409, "invitation_void")


def test_sending_again_is_inviting(api: Any, north: Any) -> None:
    made = invite(api(north, "admin"), role="admin").json()
    manager = api(north, member(north, ((*MANAGER, "catalog.view"), {})))
    before = snapshot("lib_north", "public")
    assert outcome(manager.post(f"{INVITATIONS}{made['id']}/resend/")) == (403, "cannot_grant")
    assert differences(before, snapshot("lib_north", "public")) == {}
    assert api(north, "admin").post(f"{INVITATIONS}{made['id']}/resend/").status_code == 200


def test_a_manager_of_a_branch_knows_its_invitations_alone(api: Any, north: Any) -> None:
    with in_library(north):
        here, there = factories.BranchFactory.create_batch(2)
    admin = api(north, "admin")
    ours, theirs, all_over = (
        invite(admin, role="reader", **scope).json()
        for scope in ({"branch": here.code}, {"branch": there.code}, {})
    )
    client = api(north, member(north, ((*MANAGER, "catalog.view"), {"branch": here.code})))
    assert [row["id"] for row in client.get(INVITATIONS).json()["results"]] == [ours["id"]]
    before = snapshot("lib_north", "public")
    for row in (theirs, all_over):
        path = f"{INVITATIONS}{row['id']}/"
        assert client.get(path).status_code == 404
        assert client.delete(path).status_code == 404
        assert client.post(f"{path}resend/").status_code == 404
    assert differences(before, snapshot("lib_north", "public")) == {}
    assert client.post(f"{INVITATIONS}{ours['id']}/resend/").status_code == 200
    assert client.delete(f"{INVITATIONS}{ours['id']}/").status_code == 204


def test_nothing_tells_whether_an_address_has_an_account(api: Any, north: Any) -> None:
    with in_library(north):
        here = factories.BranchFactory()
    manager = member(north, ((*MANAGER, "catalog.view"), {"branch": here.code}))
    answers = []
    for email in (standard(north, "reader").email, "nobody@people.example"):
        client = api(north, manager)
        with CaptureQueriesContext(connection) as sent:
            made = invite(client, email=email, role="reader", branch=here.code)
        private = {"id", "email", "created_at", "sent_at", "expires_at"}
        shown = {name: value for name, value in made.json().items() if name not in private}
        answers.append((made.status_code, shown, len(sent)))
    assert answers[0] == answers[1]
    assert answers[0][0] == 201


def test_a_key_neither_invites_nor_accepts(api: Any, north: Any) -> None:
    token = link_of(north, invite(api(north, "admin")).json()["id"])
    client = key_client(north, make_key(north, *ALL, now=clock.now()).key)
    client.get("/api/v1/branches/")  # Its use is noted by now.
    before = snapshot("lib_north", "public")
    assert outcome(invite(client)) == (403, "permission_denied")
    assert outcome(client.post(ACCEPT, {"token": token, "password": PASSWORD})) == (403, "person_required")
    assert differences(before, snapshot("lib_north", "public")) == {}


def test_invitations_are_limited(api: Any, north: Any, settings: Any) -> None:
    settings.RATE_LIMITS_ENABLED = True
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "invitation": (2, 600)}
    client = api(north, "admin")
    assert [invite(client).status_code for _ in range(3)] == [201, 201, 429]
    with in_library(north):
        assert Invitation.objects.count() == 2


def test_an_erased_account_leaves_no_address_in_its_invitation(api: Any, north: Any) -> None:
    made = invite(api(north, "admin"), name="Nina").json()
    other = invite(api(north, "admin"), email="other@people.example").json()
    api(north).post(ACCEPT, {"token": link_of(north, made["id"]), "password": PASSWORD})
    with in_library(north):
        user = User.objects.get(email="new@people.example")
        services.erase_account(user_id=user.pk, by=SYSTEM, now=clock.now())
        kept = dict(Invitation.objects.values_list("pk", "email"))
    assert kept == {int(made["id"]): "", int(other["id"]): "other@people.example"}


def test_a_list_costs_the_same_for_one_and_for_many(api: Any, north: Any) -> None:
    admin = api(north, "admin")
    with in_library(north):
        factories.InvitationFactory()

    def queries() -> int:
        with CaptureQueriesContext(connection) as sent:
            assert admin.get(INVITATIONS).status_code == 200
        return len(sent)

    one = queries()
    with in_library(north):
        factories.InvitationFactory.create_batch(12)
    assert queries() == one
    assert len(admin.get(INVITATIONS).json()["results"]) == 13
