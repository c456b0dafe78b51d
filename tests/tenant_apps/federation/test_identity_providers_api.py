"""Setting up identity providers: who may, what is shown, what is refused, and what the log says."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core import clock
from saas.core.tenancy import in_library
from tests.identity_provider import CLIENT_SECRET, FakeProvider
from tests.saas.core.test_outgoing import INSIDE, NO_ADDRESS
from tests.snapshots import differences, snapshot
from tests.tenant_apps.federation.conftest import Visitor, link, set_up

pytestmark = pytest.mark.django_db
PROVIDERS = "/api/v1/identity-providers/"
BODY = {
    "code": "school",
    "name": "Riverside School",
    "kind": "oidc",
    "issuer": "https://login.school.example",
    "client_id": "library",
    "client_secret": "a very secret text",
}
OLD, NEW = "old-" + "0123456789abcdef" * 4, "new-" + "0123456789abcdef" * 4


@pytest.fixture
def admin(north: Any, api: Any) -> Any:
    return api(north, "admin")


def stored(library: Any) -> Any:
    from tenant_apps.federation.models import IdentityProvider

    with in_library(library):
        return IdentityProvider.objects.get(code="school")


def last_entry(library: Any, action: str) -> Any:
    from shared_apps.audit.models import AuditEntry

    with in_library(library):
        return AuditEntry.objects.filter(action=action).latest("pk")


def test_a_provider_is_set_up_changed_and_deleted(north: Any, admin: Any) -> None:
    made = admin.post(PROVIDERS, {**BODY, "email_domains": ["school.example"]})
    assert made.status_code == 201, made.content
    shown = made.json()
    assert shown == {
        "id": shown["id"],
        "code": "school",
        "name": "Riverside School",
        "kind": "oidc",
        "issuer": "https://login.school.example",
        "client_id": "library",
        "email_domains": ["school.example"],
        "enabled": True,
        "callback_path": "/api/v1/auth/social/school/callback/",
    }
    address = f"{PROVIDERS}{shown['id']}/"
    read = admin.get(address)
    assert read.json() == shown
    assert admin.get(PROVIDERS).json()["results"] == [shown]
    changed = admin.patch(address, {"name": "The School"}, headers={"If-Match": read["ETag"]})
    assert changed.status_code == 200
    assert changed.json() == {**shown, "name": "The School"}
    assert admin.patch(address, {"name": "Late"}, headers={"If-Match": read["ETag"]}).status_code == 412
    assert admin.patch(address, {"name": "Late"}).status_code == 428
    assert admin.delete(address).status_code == 428
    assert admin.delete(address, headers={"If-Match": read["ETag"]}).status_code == 412
    assert stored(north).name == "The School"
    assert admin.delete(address, headers={"If-Match": changed["ETag"]}).status_code == 204
    assert admin.get(address).status_code == 404


def test_the_secret_is_stored_encrypted_and_shown_nowhere(north: Any, admin: Any) -> None:
    from tenant_apps.federation import vault

    made = admin.post(PROVIDERS, BODY)
    address = f"{PROVIDERS}{made.json()['id']}/"
    row = stored(north)
    assert BODY["client_secret"] not in row.client_secret
    with in_library(north):
        assert vault.opened(row) == BODY["client_secret"]
    changed = admin.patch(address, {"client_secret": "another one"}, headers={"If-Match": made["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != made["ETag"]
    with in_library(north):
        assert vault.opened(stored(north)) == "another one"
    answers = b"".join(answer.content for answer in (made, changed, admin.get(address), admin.get(PROVIDERS)))
    assert b"secret" not in answers
    assert b"another one" not in answers
    entries = [last_entry(north, f"identity_provider.{what}") for what in ("created", "changed")]
    assert entries[0].changes["issuer"] == BODY["issuer"]
    assert entries[1].changes == {"client_secret": None}
    for entry in entries:
        assert BODY["client_secret"] not in str(entry.changes)


def test_a_secret_of_another_row_or_library_does_not_open(north: Any, south: Any, admin: Any) -> None:
    from tenant_apps.federation import vault
    from tenant_apps.federation.errors import ProviderFaulty

    admin.post(PROVIDERS, BODY)
    row = stored(north)
    with in_library(south), pytest.raises(ProviderFaulty):
        vault.opened(row)
    row.code = "other"
    with in_library(north), pytest.raises(ProviderFaulty):
        vault.opened(row)


def test_a_rotated_key_is_left_behind(
    north: Any, fake: FakeProvider, visitor: Visitor, settings: Any
) -> None:
    from tenant_apps.federation.services import renew_secrets

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    provider = set_up(north, issuer=fake.issuer)
    link(north, provider, subject="person-1", email="reader@north.example")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert visitor.sign_in(fake.person_signs_in).status_code == 200
    with in_library(north):
        assert renew_secrets(now=clock.now()) == 1
        assert renew_secrets(now=clock.now()) == 0
    assert stored(north).version == provider.version
    settings.SECRET_KEY_FALLBACKS = []
    assert visitor.sign_in(fake.person_signs_in).status_code == 200


def test_a_secret_that_no_key_opens_is_told_and_can_be_set_again(
    north: Any, fake: FakeProvider, visitor: Visitor, admin: Any, settings: Any
) -> None:
    from tenant_apps.federation.services import renew_secrets

    provider = set_up(north, issuer=fake.issuer)
    link(north, provider, subject="person-1", email="reader@north.example")
    with in_library(north):
        type(provider).objects.update(client_secret="1.AAAA")
        assert renew_secrets(now=clock.now()) == 0
    answer = visitor.sign_in(fake.person_signs_in)
    assert (answer.status_code, answer.json()["code"]) == (502, "provider_faulty")
    body = {"client_secret": CLIENT_SECRET}
    assert admin.patch(f"{PROVIDERS}{provider.pk}/", body, headers={"If-Match": "*"}).status_code == 200
    assert visitor.sign_in(fake.person_signs_in).status_code == 200


def test_what_changes_nothing_leaves_the_version(north: Any, admin: Any) -> None:
    made = admin.post(PROVIDERS, BODY)
    before = snapshot("lib_north")
    same = admin.patch(
        f"{PROVIDERS}{made.json()['id']}/",
        {"name": BODY["name"], "issuer": BODY["issuer"]},
        headers={"If-Match": made["ETag"]},
    )
    assert same["ETag"] == made["ETag"]
    assert differences(before, snapshot("lib_north")) == {}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"code": "School"}, "invalid_code"),
    ({"code": "a/b"}, "invalid_code"),
    ({"code": "link"}, "invalid_code"),
    ({"code": "identities"}, "invalid_code"),
    ({"code": "second-factor"}, "invalid_code"),
    ({"kind": "saml"}, "invalid_choice"),
    ({"kind": "google"}, "issuer_is_known"),
    ({"issuer": ""}, "invalid_issuer"),
    ({"issuer": "https://login.school.example/?a=b"}, "invalid_issuer"),
    ({"client_id": ""}, "blank"),
    ({"client_secret": ""}, "blank"),
    ({"email_domains": ["School.example"]}, "invalid_domain"),
    ({"email_domains": ["@school.example"]}, "invalid_domain"),
    ({"email_domains": ["example"]}, "invalid_domain"),
    ({"email_domains": "school.example"}, "not_a_list"),
    ({"enabled": "yes"}, "invalid"),
    ({"version": 5}, "unknown_field"),
    ({"id": "1"}, "unknown_field"),
]


@pytest.mark.parametrize(("changed", "code"), WRONG)
def test_what_is_wrong_is_named(north: Any, admin: Any, changed: dict[str, Any], code: str) -> None:
    before = snapshot("lib_north")
    answer = admin.post(PROVIDERS, {**BODY, **changed})
    assert answer.status_code == 400, answer.content
    assert code in {problem["code"] for problem in answer.json()["errors"]}
    assert differences(before, snapshot("lib_north")) == {}


def test_a_code_is_taken_once(admin: Any) -> None:
    assert admin.post(PROVIDERS, BODY).status_code == 201
    again = admin.post(PROVIDERS, BODY)
    assert (again.status_code, again.json()["code"]) == (400, "identity_provider_code_taken")


@pytest.mark.parametrize("address", [one for one in INSIDE + NO_ADDRESS if one.isprintable()])
def test_an_address_inside_is_refused_when_it_is_made_and_when_it_is_changed(
    north: Any, admin: Any, settings: Any, address: str
) -> None:
    settings.OUTGOING_PRIVATE_NETWORKS = ()
    made = admin.post(PROVIDERS, BODY)
    before = snapshot("lib_north")
    answers = [
        admin.post(PROVIDERS, {**BODY, "code": "other", "issuer": address}),
        admin.patch(
            f"{PROVIDERS}{made.json()['id']}/", {"issuer": address}, headers={"If-Match": made["ETag"]}
        ),
    ]
    for answer in answers:
        assert answer.status_code == 400, answer.content
        (problem,) = answer.json()["errors"]
        assert problem["field"] == "issuer"
        if len(address) <= 500:
            # One generic text: nobody learns what is inside.
            assert problem["detail"] == "This is not an https address that can be an issuer."
    assert differences(before, snapshot("lib_north")) == {}


def test_deleting_a_provider_forgets_whom_it_knew_and_nothing_else(north: Any, admin: Any) -> None:
    from shared_apps.accounts.models import User
    from tenant_apps.federation.models import LinkedIdentity

    provider = set_up(north, issuer="https://login.school.example")
    link(north, provider, subject="person-1", email="reader@north.example")
    assert admin.delete(f"{PROVIDERS}{provider.pk}/", headers={"If-Match": "*"}).status_code == 204
    with in_library(north):
        assert not LinkedIdentity.objects.exists()
        assert User.objects.filter(email="reader@north.example", is_active=True).exists()
    assert last_entry(north, "identity_provider.deleted").changes == {"code": "school", "identities": 1}


@pytest.mark.parametrize("role", ["reader", "librarian", None])
def test_only_who_may_manage_sign_in_sees_and_changes_providers(
    north: Any, api: Any, role: str | None
) -> None:
    provider = set_up(north, issuer="https://login.school.example")
    client = api(north, role)
    before = snapshot("lib_north")
    refused = {403} if role else {401}
    address = f"{PROVIDERS}{provider.pk}/"
    answers = [
        client.get(PROVIDERS),
        client.get(address),
        client.post(PROVIDERS, {**BODY, "code": "other"}),
        client.patch(address, {"issuer": "https://evil.example"}, headers={"If-Match": "*"}),
        client.delete(address, headers={"If-Match": "*"}),
    ]
    assert {answer.status_code for answer in answers} == refused
    assert differences(before, snapshot("lib_north")) == {}


def test_the_list_costs_the_same_for_one_and_for_three(
    north: Any, admin: Any, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    set_up(north, issuer="https://login.school.example")
    admin.get(PROVIDERS)
    with CaptureQueriesContext(
        connection,
    ) as one:
        admin.get(PROVIDERS)
    for code in ("two", "three"):
        set_up(north, code=code, issuer="https://login.school.example")
    with django_assert_num_queries(len(one)):
        assert len(admin.get(PROVIDERS).json()["results"]) == 3
