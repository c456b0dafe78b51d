"""What a key opens and what it does not: in its library, in another, on the public site, today and after its end."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from freezegun import freeze_time
from rest_framework.test import APIClient

from saas.core import clock
from saas.core.principals import Actor
from saas.core.tenancy import in_library
from shared_apps.audit.models import AuditEntry
from tenant_apps.access.rules import PERMISSIONS
from tenant_apps.branches.models import Branch
from tenant_apps.keys import services
from tenant_apps.keys.models import ApiKey
from tenant_apps.keys.rules import NEVER_BY_KEY, new_key
from tests import factories
from tests.snapshots import differences, snapshot
from tests.tenant_apps.keys.makers import ALL, HOUR, everything, key_client, make_key

pytestmark = pytest.mark.django_db
TITLES, SETTINGS, BRANCHES = "/api/v1/titles/", "/api/v1/settings/", "/api/v1/branches/"
REFUSED = (401, "token_invalid")


def outcome(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def test_a_key_opens_what_it_may_and_nothing_else(north: Any) -> None:
    client = key_client(north, make_key(north, "settings.view").key)
    assert client.get(SETTINGS).status_code == 200
    assert outcome(client.get("/api/v1/patrons/")) == (403, "permission_denied")


def test_the_scheme_may_be_written_in_any_case(north: Any) -> None:
    key = make_key(north, "settings.view").key
    for scheme in ("Api-Key", "api-key", "API-KEY"):
        client = APIClient(HTTP_HOST="north.localhost", HTTP_AUTHORIZATION=f"{scheme} {key}")
        assert client.get(SETTINGS).status_code == 200


def test_everything_about_a_key_is_one_query(north: Any) -> None:
    made = make_key(north, "settings.view")
    with in_library(north):
        person = APIClient(HTTP_HOST="north.localhost")
        ApiKey.objects.filter(pk=made.row.pk).update(last_used_at=clock.now())
    machine = key_client(north, made.key)
    with CaptureQueriesContext(connection) as sent:
        assert machine.get(BRANCHES).status_code == 403
    # The library itself is remembered between requests, though not within a test's transaction; a refusal is reported.
    asked = [query["sql"] for query in sent if not re.search("tenants_library|security_", query["sql"])]
    assert len(asked) == 1, asked
    assert '"keys_apikey"' in asked[0]
    assert person.get(BRANCHES).status_code == 200


def test_the_last_use_is_noted_once_an_hour(north: Any) -> None:
    made = make_key(north, "settings.view", now=dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC))
    client = key_client(north, made.key)

    def used_at(moment: str) -> Any:
        with freeze_time(moment):
            assert client.get(SETTINGS).status_code == 200
        with in_library(north):
            return ApiKey.objects.get(pk=made.row.pk).last_used_at

    first = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
    assert used_at("2026-11-20T10:00:00Z") == first
    assert used_at("2026-11-20T10:59:00Z") == first
    assert used_at("2026-11-20T11:00:00Z") == first + HOUR


def test_a_key_of_one_branch_reaches_that_branch(north: Any) -> None:
    with in_library(north):
        here, there = factories.BranchFactory.create_batch(2)
    client = key_client(north, make_key(north, "branches.manage", branches=[here.pk]).key)
    assert (
        client.patch(f"{BRANCHES}{here.pk}/", {"name": "Here"}, headers={"If-Match": "*"}).status_code == 200
    )
    assert client.patch(f"{BRANCHES}{there.pk}/", {"name": "X"}, headers={"If-Match": "*"}).status_code == 403
    with in_library(north):
        assert Branch.objects.get(pk=here.pk).name == "Here"
        assert Branch.objects.get(pk=there.pk).name == there.name


def test_what_a_key_does_is_recorded_under_its_name(north: Any) -> None:
    made = make_key(north, "branches.manage")
    body = {"code": "harbour", "name": "Harbour", "time_zone": "Europe/Rome"}
    assert key_client(north, made.key).post(BRANCHES, body).status_code == 201
    with in_library(north):
        entry = AuditEntry.objects.get(action="branch.created")
    assert (entry.actor_kind, entry.actor_user_id) == ("key", None)
    assert entry.actor_label.endswith(f"/{made.row.prefix}")


def test_two_keys_with_one_idempotency_key_are_two_callers(north: Any) -> None:
    clients = [key_client(north, make_key(north, *ALL).key) for _ in range(2)]
    with in_library(north):
        category, branch = factories.PatronCategoryFactory(), factories.BranchFactory()
    ids = []
    for number, client in enumerate(clients):
        body = {
            "name": "Ada",
            "category": category.code,
            "home_branch": branch.code,
            "card_numbers": [f"C-key-{number}"],
        }
        for _repeat in range(2):
            answer = client.post("/api/v1/patrons/", body, headers={"Idempotency-Key": "the-same"})
            assert answer.status_code == 201, answer.content
            ids.append(answer.json()["id"])
    assert ids[0] == ids[1]
    assert ids[2] == ids[3] != ids[0]


# -- the end of a key ------------------------------------------------------------------------------------------------------


def test_a_revoked_key_is_refused_at_the_next_request(north: Any) -> None:
    made = make_key(north, "settings.view")
    client = key_client(north, made.key)
    assert client.get(SETTINGS).status_code == 200
    with in_library(north):
        services.revoke_key(key_id=made.row.pk, by=Actor("person", 1), now=clock.now())
    assert outcome(client.get(SETTINGS)) == REFUSED


def test_an_expired_key_is_refused(north: Any) -> None:
    now = clock.now()
    client = key_client(north, make_key(north, "settings.view", expires_at=now + HOUR).key)
    assert client.get(SETTINGS).status_code == 200
    with freeze_time(now + HOUR):
        assert outcome(client.get(SETTINGS)) == REFUSED


def test_a_key_rests_while_its_service_account_does(north: Any) -> None:
    made = make_key(north, "settings.view")
    client = key_client(north, made.key)
    for active, status in ((False, 401), (True, 200)):
        with in_library(north):
            services.update_service_account(
                service_account_id=made.row.service_account_id,
                changes={"is_active": active},
                maker=everything(),
                by=Actor("person", 1),
                now=clock.now(),
            )
        assert client.get(SETTINGS).status_code == status


def test_a_deleted_service_account_takes_its_keys_along(north: Any) -> None:
    made = make_key(north, "settings.view")
    with in_library(north):
        services.delete_service_account(
            service_account_id=made.row.service_account_id, by=Actor("person", 1), now=clock.now()
        )
        assert not ApiKey.objects.filter(pk=made.row.pk).exists()
    assert outcome(key_client(north, made.key).get(SETTINGS)) == REFUSED


def test_a_permission_that_is_stored_and_not_for_keys_gives_nothing(north: Any) -> None:
    made = make_key(north, "settings.view")
    with in_library(north):
        ApiKey.objects.filter(pk=made.row.pk).update(permissions=sorted(PERMISSIONS))
    client = key_client(north, made.key)
    assert client.get(SETTINGS).status_code == 200
    for path in ("/api/v1/api-keys/", "/api/v1/roles/", "/api/v1/role-assignments/"):
        assert outcome(client.get(path)) == (403, "permission_denied")
    assert set(PERMISSIONS) >= NEVER_BY_KEY


# -- wrong keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"lhk_",
        b"x" * 100_000,
        b"lhk_0123456789_" + b"a" * 49,
        "lhk_é".encode(),
        "lhk_é".encode("latin-1"),
        b"lhk_\xff\xfe",
        b"a b c",
        b"lhk_%00",
        b"' OR 1=1 --",
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_what_is_no_key_is_refused(north: Any, raw: bytes) -> None:
    client = APIClient(HTTP_HOST="north.localhost")
    before = snapshot("lib_north", "public")
    answer = client.get(TITLES, HTTP_AUTHORIZATION="Api-Key " + raw.decode("latin-1"))
    assert outcome(answer) == REFUSED
    assert differences(before, snapshot("lib_north", "public")) == {}


def test_all_wrong_keys_are_refused_in_the_same_words(north: Any, south: Any) -> None:
    good = make_key(north, "settings.view")
    unknown, _prefix = new_key()
    expired = make_key(north, "settings.view", now=clock.now() - 3 * HOUR, expires_at=clock.now() - 2 * HOUR)
    keys = ["nonsense", unknown, expired.key, make_key(south, "settings.view").key, good.key[:-1]]
    answers = [key_client(north, key).get(SETTINGS) for key in keys]
    told = [{k: v for k, v in answer.json().items() if k != "request_id"} for answer in answers]
    assert told == [told[0]] * len(keys)
    assert {answer.status_code for answer in answers} == {401}
    assert key_client(north, good.key).get(SETTINGS).status_code == 200


def test_a_key_in_an_address_or_a_body_counts_for_nothing(north: Any) -> None:
    key = make_key(north, "settings.view").key
    client = APIClient(HTTP_HOST="north.localhost")
    assert client.get(SETTINGS, HTTP_AUTHORIZATION=f"Bearer {key}").status_code == 401
    assert client.get(SETTINGS, HTTP_X_API_KEY=key).status_code == 401
    assert client.get(f"{SETTINGS}?api_key={key}").status_code in {400, 401}


def test_a_key_signs_nobody_in_at_the_pages(north: Any) -> None:
    client = key_client(north, make_key(north, *ALL).key)
    answer = client.get("/desk/")
    assert (answer.status_code, answer["Location"].split("?")[0]) == (303, "/sign-in/")


# -- other sites ------------------------------------------------------------------------------------------------------------


def test_a_copied_row_does_not_open_another_library(north: Any, south: Any) -> None:
    """Even with the row of the key in place: the digest is another library's."""
    made = make_key(north, "settings.view")
    with in_library(north):
        account = dict(
            type(made.row.service_account).objects.filter(pk=made.row.service_account_id).values()[0]
        )
        row = dict(ApiKey.objects.filter(pk=made.row.pk).values()[0])
    with in_library(south):
        type(made.row.service_account).objects.create(**account)
        ApiKey.objects.create(**row)
    before = snapshot("lib_south", "public")
    assert outcome(key_client(south, made.key).get(SETTINGS)) == REFUSED
    assert differences(before, snapshot("lib_south", "public")) == {}
    assert key_client(north, made.key).get(SETTINGS).status_code == 200


def test_the_public_site_takes_no_key(north: Any) -> None:
    made = make_key(north, *ALL)
    client = APIClient(HTTP_HOST="localhost", HTTP_AUTHORIZATION=f"Api-Key {made.key}")
    before = snapshot("lib_north", "public")
    for path in ("/api/v1/platform/libraries/", "/api/v1/plans/"):
        assert outcome(client.get(path)) == REFUSED
    assert differences(before, snapshot("lib_north", "public")) == {}


# -- limits -----------------------------------------------------------------------------------------------------------------


def test_a_key_has_limits_of_its_own_and_a_wrong_one_counts_against_its_address(
    north: Any, settings: Any
) -> None:
    settings.RATE_LIMITS_ENABLED, settings.RATE_LIMIT_RESOLVER = True, None
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "key": (3, 600), "anonymous": (2, 600)}
    first, second = (key_client(north, make_key(north, "settings.view").key) for _ in range(2))
    assert [first.get(SETTINGS).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert second.get(SETTINGS).status_code == 200
    wrong = key_client(north, new_key()[0])
    assert [wrong.get(SETTINGS).status_code for _ in range(3)] == [401, 401, 429]
    assert second.get(SETTINGS).status_code == 200
