"""Keys and service accounts over HTTP: what is shown, who may make what, and what a hostile body changes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from freezegun import freeze_time

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.audit.models import AuditEntry
from shared_apps.security.models import SecurityEvent
from tenant_apps.access.models import Role
from tenant_apps.access.services import assign_role
from tenant_apps.keys.models import ApiKey, ServiceAccount
from tenant_apps.keys.rules import NEVER_BY_KEY
from tests import factories
from tests.snapshots import differences, snapshot
from tests.tenant_apps.keys.makers import key_client, make_key

pytestmark = pytest.mark.django_db
KEYS, ACCOUNTS, SETTINGS = "/api/v1/api-keys/", "/api/v1/service-accounts/", "/api/v1/settings/"


def manager(library: Any, *permissions: str, branch: Any = None) -> Any:
    """A member with a role of their own, for the library or for one branch."""
    with in_library(library):
        code = factories.unique("role")
        role = Role.objects.create(code=code, name="Role", permissions=list(permissions))
        return factories.RoleAssignmentFactory(role=role, branch=branch).user


# -- making ---------------------------------------------------------------------------------------------------------------


def test_the_key_is_shown_once_and_works(api: Any, north: Any) -> None:
    admin = api(north, "admin")
    made = admin.post(KEYS, {"name": "Website", "permissions": ["settings.view"]})
    assert made.status_code == 201
    assert {"id", "prefix", "key"} <= set(made.json())
    key = made.json()["key"]
    assert key_client(north, key).get(SETTINGS).status_code == 200
    shown = admin.get(f"{KEYS}{made.json()['id']}/")
    assert shown.json()["prefix"] == made.json()["prefix"]
    secret = key.rsplit("_", 1)[1]
    for answer in (shown, admin.get(KEYS), admin.get(ACCOUNTS)):
        assert answer.status_code == 200
        assert secret not in answer.content.decode()
    with in_library(north):
        for table in (ApiKey, ServiceAccount, AuditEntry):
            assert secret not in repr(list(table.objects.values()))


def test_a_service_account_is_made_with_the_key_or_named(api: Any, north: Any) -> None:
    admin = api(north, "admin")
    first = admin.post(KEYS, {"name": "Öffnungszeiten!", "permissions": []}).json()
    account = admin.get(f"{ACCOUNTS}{first['service_account']}/").json()
    assert account["name"] == "Öffnungszeiten!"
    second = admin.post(KEYS, {"name": "Two", "permissions": [], "service_account": account["id"]}).json()
    assert second["service_account"] == account["id"]


def test_branches_limit_the_key_and_are_named_by_code(api: Any, north: Any) -> None:
    with in_library(north):
        branch = factories.BranchFactory()
    body = {"name": "Desk", "permissions": ["circulation.lend"], "branches": [branch.code, branch.code]}
    made = api(north, "admin").post(KEYS, body).json()
    assert made["branches"] == [branch.code]
    with in_library(north):
        assert ApiKey.objects.get(pk=made["id"]).branches == [branch.pk]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"permissions": ["catalog.fly"]}, "permissions.0", "unknown_permission"),
        ({"permissions": ["keys.manage"]}, "permissions.0", "not_for_keys"),
        ({"permissions": ["catalog.view", "roles.manage"]}, "permissions.1", "not_for_keys"),
        ({"permissions": ["members.manage"]}, "permissions.0", "not_for_keys"),
        ({"permissions": "catalog.view"}, "permissions", "not_a_list"),
        ({"permissions": [7]}, "permissions.0", "invalid"),
        ({"permissions": ["catalog.view"] * 101}, "permissions", "max_length"),
        ({"branches": ["nowhere"]}, "branches", "does_not_exist"),
        ({"branches": ["main"] * 101}, "branches", "max_length"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at", "in_the_past"),
        ({"expires_at": "tomorrow"}, "expires_at", "invalid"),
        ({"service_account": "4611686018427387904"}, "service_account", "does_not_exist"),
        ({"name": ""}, "name", "blank"),
        ({"name": "a\nb"}, "name", "control_character"),
        ({"key": "lhk_mine"}, "key", "unknown_field"),
        ({"prefix": "lhk_mine"}, "prefix", "unknown_field"),
        ({"digest": "0" * 64}, "digest", "unknown_field"),
        ({"created_by": "1"}, "created_by", "unknown_field"),
        ({"revoked_at": None}, "revoked_at", "unknown_field"),
        ({"last_used_at": None}, "last_used_at", "unknown_field"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(
    api: Any, north: Any, changes: dict[str, Any], field: str, code: str
) -> None:
    client = api(north, "admin")
    before = snapshot("lib_north", "public")
    answer = client.post(KEYS, {"name": "Website", "permissions": ["catalog.view"], **changes})
    assert answer.status_code == 400
    assert (field, code) in {(problem["field"], problem["code"]) for problem in answer.json()["errors"]}
    assert differences(before, snapshot("lib_north", "public")) == {}


def test_nobody_gives_a_key_more_than_they_have(api: Any, north: Any) -> None:
    with in_library(north):
        branch, other = factories.BranchFactory.create_batch(2)
    user = manager(north, "keys.manage", "settings.view")
    with in_library(north):
        desk = Role.objects.create(code="desk", name="Desk", permissions=["circulation.lend"])
        assign_role(user_id=user.pk, role=desk.code, branch=branch.code, by=SYSTEM, now=clock.now())
    client = api(north, user)
    allowed = [
        {"permissions": ["settings.view"]},
        {"permissions": ["settings.view"], "branches": [other.code]},
        {"permissions": ["circulation.lend"], "branches": [branch.code]},
        {"permissions": []},
    ]
    refused = [
        {"permissions": ["settings.manage"]},
        {"permissions": ["settings.view", "settings.manage"]},
        {"permissions": ["circulation.lend"]},
        {"permissions": ["circulation.lend"], "branches": []},
        {"permissions": ["circulation.lend"], "branches": [other.code]},
        {"permissions": ["circulation.lend"], "branches": [branch.code, other.code]},
    ]
    for body in allowed:
        assert client.post(KEYS, {"name": "Mine", **body}).status_code == 201, body
    before = snapshot("lib_north", "public")
    for body in refused:
        answer = client.post(KEYS, {"name": "Theirs", **body})
        assert (answer.status_code, answer.json()["code"]) == (403, "cannot_grant"), body
    assert differences(before, snapshot("lib_north", "public")) == {}


def test_who_manages_keys_at_a_branch_alone_manages_none(api: Any, north: Any) -> None:
    with in_library(north):
        branch = factories.BranchFactory()
    client = api(north, manager(north, "keys.manage", "catalog.view", branch=branch))
    before = snapshot("lib_north", "public")
    assert client.get(KEYS).status_code == 403
    body = {"name": "Mine", "permissions": ["catalog.view"], "branches": [branch.code]}
    assert client.post(KEYS, body).status_code == 403
    assert differences(before, snapshot("lib_north", "public")) == {}


def test_a_key_makes_no_key(north: Any) -> None:
    made = make_key(north, "settings.view", "catalog.view")
    client = key_client(north, made.key)
    before = snapshot("lib_north", "public")
    for path, body in (
        (KEYS, {"name": "Child", "permissions": ["catalog.view"]}),
        (f"{KEYS}{made.row.pk}/rotate/", {}),
        (ACCOUNTS, {"code": "child", "name": "Child"}),
    ):
        assert client.post(path, body).status_code == 403
    changed = differences(before, snapshot("lib_north", "public"))
    # The key's own use is noted, and nothing else.
    assert set(changed) <= {"lib_north.keys_apikey"}


# -- rotation and the end ----------------------------------------------------------------------------------------------------


def test_a_rotated_key_dies_after_the_overlap(api: Any, north: Any) -> None:
    old = make_key(north, "settings.view")
    now = clock.now()
    with freeze_time(now):
        answer = api(north, "admin").post(f"{KEYS}{old.row.pk}/rotate/", {"overlap_hours": 2})
    assert answer.status_code == 201
    new = answer.json()["key"]
    assert new != old.key
    for hours, statuses in ((1, (200, 200)), (2, (401, 200)), (24 * 400, (401, 200))):
        with freeze_time(now + dt.timedelta(hours=hours)):
            found = tuple(key_client(north, key).get(SETTINGS).status_code for key in (old.key, new))
            assert found == statuses


def test_a_rotated_key_lives_no_longer_than_it_would_have(api: Any, north: Any) -> None:
    now = clock.now()
    old = make_key(north, "settings.view", expires_at=now + dt.timedelta(hours=10), now=now)
    later = now + dt.timedelta(hours=9)
    with freeze_time(later):
        new = api(north, "admin").post(f"{KEYS}{old.row.pk}/rotate/", {}).json()
    with in_library(north):
        assert ApiKey.objects.get(pk=old.row.pk).expires_at == now + dt.timedelta(hours=10)
        # As long a life as the first one's.
        assert ApiKey.objects.get(pk=new["id"]).expires_at == later + dt.timedelta(hours=10)


@pytest.mark.parametrize("hours", [-1, 24 * 30 + 1, "24", 1.5, True, 10**30])
def test_an_overlap_has_bounds(api: Any, north: Any, hours: Any) -> None:
    old = make_key(north, "settings.view")
    client = api(north, "admin")
    before = snapshot("lib_north", "public")
    answer = client.post(f"{KEYS}{old.row.pk}/rotate/", {"overlap_hours": hours})
    assert answer.status_code == 400
    assert differences(before, snapshot("lib_north", "public")) == {}


def test_a_key_that_is_over_cannot_be_rotated_to_life(api: Any, north: Any) -> None:
    admin = api(north, "admin")
    revoked = make_key(north, "settings.view")
    assert [admin.delete(f"{KEYS}{revoked.row.pk}/").status_code for _ in range(2)] == [204, 204]
    past = clock.now() - dt.timedelta(days=2)
    expired = make_key(north, now=past, expires_at=past + dt.timedelta(days=1))
    resting = make_key(north, "settings.view")
    account = f"{ACCOUNTS}{resting.row.service_account_id}/"
    assert admin.patch(account, {"is_active": False}).status_code == 200
    before = snapshot("lib_north", "public")
    for made in (revoked, expired, resting):
        answer = admin.post(f"{KEYS}{made.row.pk}/rotate/", {})
        assert (answer.status_code, answer.json()["code"]) == (409, "key_not_usable")
    assert differences(before, snapshot("lib_north", "public")) == {}
    assert key_client(north, revoked.key).get(SETTINGS).status_code == 401


def test_a_key_above_oneself_can_be_ended_but_not_taken_over(api: Any, north: Any) -> None:
    strong = make_key(north, "settings.manage", "settings.view")
    client = api(north, manager(north, "keys.manage", "settings.view"))
    account = f"{ACCOUNTS}{strong.row.service_account_id}/"
    before = snapshot("lib_north", "public")
    answer = client.post(f"{KEYS}{strong.row.pk}/rotate/", {})
    assert (answer.status_code, answer.json()["code"]) == (403, "cannot_grant")
    assert differences(before, snapshot("lib_north", "public")) == {}
    assert client.patch(account, {"is_active": False}).status_code == 200
    answer = client.patch(account, {"is_active": True})
    assert (answer.status_code, answer.json()["code"]) == (403, "cannot_grant")
    assert key_client(north, strong.key).get(SETTINGS).status_code == 401
    assert client.delete(f"{KEYS}{strong.row.pk}/").status_code == 204
    assert api(north, "admin").patch(account, {"is_active": True}).status_code == 200
    assert key_client(north, strong.key).get(SETTINGS).status_code == 401


def test_every_change_is_recorded_without_the_key(api: Any, north: Any) -> None:
    admin = api(north, "admin")
    made = admin.post(KEYS, {"name": "Website", "permissions": ["catalog.view"]}).json()
    new = admin.post(f"{KEYS}{made['id']}/rotate/", {}).json()
    admin.delete(f"{KEYS}{new['id']}/")
    admin.patch(f"{ACCOUNTS}{made['service_account']}/", {"is_active": False})
    admin.delete(f"{ACCOUNTS}{made['service_account']}/")
    with in_library(north):
        entries = list(AuditEntry.objects.filter(target_type__startswith="keys.").order_by("pk"))
    assert [entry.action for entry in entries] == [
        "service_account.created",
        "api_key.created",
        "api_key.rotated",
        "api_key.revoked",
        "service_account.changed",
        "service_account.deleted",
    ]
    assert entries[2].changes["replaces"] == made["prefix"]
    assert entries[4].changes == {"is_active": [True, False]}
    assert entries[5].changes["keys"] == sorted([made["prefix"], new["prefix"]])


# -- service accounts ------------------------------------------------------------------------------------------------------


def test_a_service_account_is_changed_and_its_code_is_not(api: Any, north: Any) -> None:
    admin = api(north, "admin")
    made = admin.post(ACCOUNTS, {"code": "website", "name": "Website"})
    assert (made.status_code, made.json()["is_active"]) == (201, True)
    path = f"{ACCOUNTS}{made.json()['id']}/"
    changed = admin.patch(path, {"name": "Web"}, headers={"If-Match": made["ETag"]})
    assert (changed.status_code, changed.json()["name"]) == (200, "Web")
    before = snapshot("lib_north", "public")
    assert admin.patch(path, {"name": "Stale"}, headers={"If-Match": made["ETag"]}).status_code == 412
    assert admin.patch(path, {"code": "other"}).status_code == 400
    assert admin.patch(path, {"id": "1"}).status_code == 400
    assert admin.patch(path, {"is_active": "false"}).status_code == 400
    twice = admin.post(ACCOUNTS, {"code": "website", "name": "Again"})
    assert (twice.status_code, twice.json()["code"]) == (400, "service_account_code_taken")
    assert admin.delete(path, headers={"If-Match": made["ETag"]}).status_code == 412
    assert differences(before, snapshot("lib_north", "public")) == {}


def test_the_method_cannot_be_overridden(api: Any, north: Any) -> None:
    made = make_key(north, "settings.view")
    client = api(north, "admin")
    before = snapshot("lib_north", "public")
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert client.post(f"{KEYS}{made.row.pk}/", {}, headers={header: "DELETE"}).status_code == 405
        assert client.get(f"{KEYS}{made.row.pk}/", headers={header: "DELETE"}).status_code == 200
    assert client.put(f"{KEYS}{made.row.pk}/", {}).status_code == 405
    assert client.patch(f"{KEYS}{made.row.pk}/", {"permissions": ["catalog.view"]}).status_code == 405
    assert differences(before, snapshot("lib_north", "public")) == {}


def test_a_list_costs_the_same_for_one_key_and_for_many(api: Any, north: Any) -> None:
    with in_library(north):
        branch = factories.BranchFactory()
        factories.ApiKeyFactory(branches=[branch.pk])
    admin = api(north, "admin")

    def queries() -> int:
        with CaptureQueriesContext(connection) as sent:
            assert admin.get(KEYS).status_code == 200
        return len(sent)

    one = queries()
    with in_library(north):
        factories.ApiKeyFactory.create_batch(20, branches=[branch.pk])
    assert queries() == one
    assert len(admin.get(KEYS).json()["results"]) == 21


def test_the_permissions_no_key_may_have_stay_few() -> None:
    assert {"keys.manage", "members.manage", "roles.manage"} == NEVER_BY_KEY


def test_making_ending_and_refusing_keys_is_reported(api: Any, north: Any) -> None:
    admin = api(north, "admin")
    narrow = admin.post(KEYS, {"name": "Narrow", "permissions": ["catalog.view"]}).json()
    admin.post(KEYS, {"name": "Wide", "permissions": ["settings.manage"]})
    at_branch = {"name": "Desk", "permissions": ["circulation.lend"], "branches": ["main"]}
    admin.post(KEYS, at_branch)
    admin.delete(f"{KEYS}{narrow['id']}/")
    key_client(north, narrow["key"]).get(SETTINGS)
    with in_library(north):
        events = list(SecurityEvent.objects.filter(kind__startswith="key_").order_by("pk"))
    assert [(event.kind, event.facts.get("wide")) for event in events] == [
        ("key_created", False),
        ("key_created", True),
        ("key_created", False),
        ("key_revoked", None),
        ("key_refused", None),
    ]
    assert events[3].facts["prefix"] == narrow["prefix"]
    assert narrow["key"] not in repr([event.facts for event in events])
