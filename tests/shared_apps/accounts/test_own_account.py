"""Exporting and erasing one's own account."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from psycopg import sql

from saas.core import clock
from saas.core.principals import SYSTEM, Actor
from saas.core.tenancy import in_library
from shared_apps.accounts import services
from shared_apps.accounts.models import User, UserSession
from shared_apps.audit import services as audit
from shared_apps.audit.models import AuditEntry, AuditPersonalValues
from tenant_apps.access.models import RoleAssignment
from tenant_apps.access.services import assign_role
from tenant_apps.access.services.sharing import share
from tenant_apps.catalog.models import TitleShare
from tenant_apps.patrons.models import Card, Patron
from tenant_apps.patrons.services import create_patron, link_account
from tests import factories
from tests.database import SCHEMAS
from tests.snapshots import differences, snapshot

pytestmark = pytest.mark.django_db
EXPORT, ERASE, ME = "/api/v1/me/export/", "/api/v1/me/erase/", "/api/v1/me/"
PASSWORD = "correct-horse-battery"


@pytest.fixture
def lea(person: Any, north: Any) -> Any:
    """A reader with a patron record, a card and a loan that is closed."""
    user = person(language="it")
    now = clock.now()
    with in_library(north):
        assign_role(user_id=user.pk, role="reader", by=SYSTEM, now=now)
        patron = create_patron(
            name="Lea Bauer",
            category=factories.PatronCategoryFactory(),
            home_branch=factories.BranchFactory(),
            card_numbers=["C-lea-1"],
            email="lea@north.example",
            by=SYSTEM,
            now=now,
        )
        link_account(patron_id=patron.pk, user_id=user.pk, by=SYSTEM, now=now)
    return user


@pytest.fixture
def client(lea: Any, sign_in: Any, api: Any, north: Any) -> Any:
    found = api(north)
    found.defaults.update(REMOTE_ADDR="192.0.2.77", HTTP_USER_AGENT="curl/8.5.0")
    found.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in(client=found).json()['access']}")
    return found


def lend(library: Any, **changes: Any) -> Any:
    with in_library(library):
        return factories.LoanFactory(card=Card.objects.get(number="C-lea-1"), **changes)


def erase(client: Any, password: str = PASSWORD) -> Any:
    return client.post(ERASE, {"password": password}, format="json")


def tables_that_name(library: Any, *words: str) -> set[str]:
    """The tables of the library in which one of the words stands."""
    found = set()
    with in_library(library), connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            query = sql.SQL("SELECT 1 FROM {table} AS line WHERE line::text ~ %s LIMIT 1")
            cursor.execute(query.format(table=sql.Identifier(table)), ["|".join(words)])
            if cursor.fetchone():
                found.add(table)
    return found


# -- export ---------------------------------------------------------------------------------------------------


def test_the_export_holds_what_is_kept_of_the_caller(client: Any, lea: Any, north: Any) -> None:
    lend(north)
    with in_library(north):
        audit.record(
            action="patron.changed",
            target=lea,
            by=Actor(kind="person", user_id=lea.pk),
            changes={"language": ["en", "it"]},
            personal={"name": ["Lea", "Lea B."]},
        )
    answer = client.get(EXPORT)
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    export = answer.json()
    assert export["account"]["email"] == "lea@north.example"
    assert export["account"]["language"] == "it"
    assert [role["role"] for role in export["roles"]] == ["reader"]
    assert export["patron"]["name"] == "Lea Bauer"
    assert export["patron"]["cards"] == [{"number": "C-lea-1", "is_lost": False}]
    assert [loan["card_number"] for loan in export["loans"]] == ["C-lea-1"]
    assert len(export["sessions"]) == 1
    actions = {entry["action"]: entry for entry in export["audit"]}
    assert {"user.created", "session.started", "patron.changed"} <= set(actions)
    assert actions["patron.changed"]["personal"] == {"name": ["Lea", "Lea B."]}


def test_the_export_holds_no_secret_and_nobody_else(client: Any, lea: Any, person: Any, north: Any) -> None:
    nia = person("nia")
    with in_library(north):
        audit.record(
            action="user.renamed",
            target=nia,
            by=Actor(kind="person", user_id=lea.pk),
            personal={"name": ["Nia", "Nia Secret"]},
        )
        stored = User.objects.get(pk=lea.pk).password
    body = client.get(EXPORT).content.decode()
    assert "user.renamed" in body
    for secret in (stored, "Nia Secret", "nia@north.example"):
        assert secret not in body


def test_only_a_person_of_this_library_exports(
    api: Any, north: Any, south: Any, lea: Any, sign_in: Any
) -> None:
    access = sign_in().json()["access"]
    foreign = api(south)
    foreign.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    for stranger in (foreign, api(north)):
        assert stranger.get(EXPORT).status_code == 401
        assert erase(stranger).status_code == 401


# -- erasing --------------------------------------------------------------------------------------------------


def test_an_erased_account_is_nobody(client: Any, lea: Any, sign_in: Any, north: Any) -> None:
    lend(north, returned_at=clock.now())
    personal = ("lea@north", "Lea Bauer", "curl/8.5.0", "192.0.2")
    before = tables_that_name(north, *personal)
    assert before >= {"accounts_user", "accounts_usersession", "patrons_patron", "audit_auditpersonalvalues"}
    assert erase(client).status_code == 204
    assert tables_that_name(north, *personal) == set()
    assert client.get(ME).status_code == 401
    assert sign_in().json()["code"] == "invalid_credentials"
    with in_library(north):
        user = User.objects.get(pk=lea.pk)
        assert (user.name, user.language, user.is_active) == ("", "", False)
        assert user.erased_at is not None
        assert not user.has_usable_password()
        assert not UserSession.objects.filter(user=user).exists()
        assert not EmailAddress.objects.filter(user=user).exists()
        assert not RoleAssignment.objects.filter(user=user).exists()
        patron = Patron.objects.get(cards__number="C-lea-1")
        assert (patron.user_id, patron.email, patron.birth_date) == (None, "", None)
        assert Card.objects.get(number="C-lea-1").lost_at is not None
        assert patron.loans.count() == 1


def test_what_was_shared_with_an_erased_person_is_taken_back(client: Any, lea: Any, north: Any) -> None:
    with in_library(north):
        title = factories.TitleFactory()
        share(shares=TitleShare, target=title, user_id=lea.pk, permission="edit", by=SYSTEM, now=clock.now())
        assert TitleShare.objects.filter(user=lea).count() == 2
    erase(client)
    with in_library(north):
        assert not TitleShare.objects.filter(user=lea).exists()
        assert AuditEntry.objects.filter(action="title.unshared", target_id=str(title.pk)).count() == 1


def test_the_audit_log_stays_whole_without_the_person(client: Any, lea: Any, person: Any, north: Any) -> None:
    nia = person("nia")
    with in_library(north):
        entries = AuditEntry.objects.filter(target_type="accounts.user", target_id=str(lea.pk)).count()
        hers = AuditPersonalValues.objects.filter(entry__target_id=str(lea.pk))
        assert entries
        assert any(row.values for row in hers)
    erase(client)
    with in_library(north):
        assert AuditEntry.objects.filter(target_id=str(lea.pk)).count() > entries
        assert AuditEntry.objects.filter(action="user.erased", target_id=str(lea.pk)).exists()
        about = AuditPersonalValues.objects.filter(
            entry__target_type="accounts.user", entry__target_id=str(lea.pk)
        )
        assert about.exists()
        assert not any(row.values for row in about)
        others = AuditPersonalValues.objects.get(entry__action="user.created", entry__target_id=str(nia.pk))
        assert others.values["email"] == "nia@north.example"


def test_who_has_something_on_loan_stays(client: Any, lea: Any, north: Any) -> None:
    lend(north)
    before = snapshot(SCHEMAS["north"])
    answer = erase(client)
    assert (answer.status_code, answer.json()["code"]) == (409, "account_in_use")
    assert [reason["code"] for reason in answer.json()["reasons"]] == ["open_loans"]
    assert differences(before, snapshot(SCHEMAS["north"])) == {}
    assert client.get(ME).status_code == 200


def test_the_last_admin_stays(api: Any, north: Any) -> None:
    client = api(north, "admin")
    answer = erase(client)
    assert (answer.status_code, [reason["code"] for reason in answer.json()["reasons"]]) == (
        409,
        ["last_admin"],
    )
    with in_library(north):
        assert User.objects.get(email="admin@north.example").is_active


def test_the_password_is_asked(limits: Any, client: Any, lea: Any, north: Any) -> None:
    answer = erase(client, "wrong-one")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "wrong_password")
    assert [erase(client, "wrong-one").status_code for _ in range(2)] == [400, 400]
    assert erase(client).status_code == 429
    with in_library(north):
        assert User.objects.get(pk=lea.pk).is_active


def test_an_erased_account_is_not_opened_again_and_its_address_is_free(
    client: Any, lea: Any, person: Any, sign_in: Any, north: Any
) -> None:
    from saas.core.errors import NotFound

    erase(client)
    with in_library(north), pytest.raises(NotFound):
        services.reactivate_user(user_id=lea.pk, by=SYSTEM, now=clock.now())
    assert person().pk != lea.pk
    assert sign_in().status_code == 200


def test_nothing_happens_elsewhere(client: Any, lea: Any) -> None:
    before = snapshot(SCHEMAS["south"], "public")
    assert erase(client).status_code == 204
    assert differences(before, snapshot(SCHEMAS["south"], "public")) == {}
