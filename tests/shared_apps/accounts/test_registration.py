"""Registering at a library, up to signing in; and what an attacker tries with the code."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from freezegun import freeze_time

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.accounts import services
from shared_apps.accounts.errors import NotAwaitingApproval
from shared_apps.accounts.models import MailedCode, User
from shared_apps.accounts.services import codes
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from shared_apps.delivery.services import relay
from tenant_apps.access.models import RoleAssignment
from tenant_apps.preferences import services as preferences

pytestmark = pytest.mark.django_db
REGISTER, LOGIN = "/api/v1/auth/registration/", "/api/v1/auth/login/"
VERIFY, RESEND = f"{REGISTER}verify-email/", f"{REGISTER}resend/"
EMAIL, PASSWORD = "lea@example.org", "seven wild ponies sing"


def choose(library: Any, mode: str) -> None:
    with in_library(library):
        preferences.change(values={"registration": mode}, by=SYSTEM, now=clock.now())


@pytest.fixture
def open_north(north: Any) -> Any:
    choose(north, "open")
    return north


@pytest.fixture
def post(api: Callable[..., Any]) -> Callable[..., Any]:
    return lambda library, path, **body: api(library).post(path, body, format="json")


@pytest.fixture
def register(post: Any) -> Callable[..., Any]:
    def send(library: Any, **changes: Any) -> Any:
        return post(library, REGISTER, **{"email": EMAIL, "name": "Lea", "password": PASSWORD, **changes})

    return send


def mailed(library: Any) -> list[Any]:
    """What a worker mails now."""
    mail.outbox.clear()
    with in_library(library):
        relay()
    return list(mail.outbox)


def code_in(library: Any) -> str:
    [letter] = mailed(library)
    found = re.search(r"^    ([2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4})$", str(letter.body), re.MULTILINE)
    assert found, letter.body
    return found.group(1)


def another(code: str) -> str:
    """A code of the right form that is another one."""
    return code[:-1] + ("2" if code[-1] != "2" else "3")


def account(library: Any, email: str = EMAIL) -> User | None:
    with in_library(library):
        return User.objects.filter(email=email).first()


def roles(library: Any) -> list[str]:
    with in_library(library):
        return list(RoleAssignment.objects.filter(user__email=EMAIL).values_list("role__code", flat=True))


# -- whether the library takes registrations ------------------------------------------------------------------


def test_a_new_library_takes_none(north: Any, register: Any) -> None:
    answer = register(north)
    assert (answer.status_code, answer.json()["code"]) == (403, "registration_closed")
    with in_library(north):
        assert not MailedCode.objects.exists()
        assert not OutboxMessage.objects.exists()
    assert account(north) is None
    choose(north, "open")
    assert register(north).status_code == 202


def test_there_is_none_on_the_public_site(public_api: Any) -> None:
    body = {"email": EMAIL, "password": PASSWORD}
    for path in (REGISTER, VERIFY, RESEND):
        assert public_api().post(path, body, format="json").status_code == 404


def test_from_registering_to_signing_in(open_north: Any, register: Any, post: Any, api: Any) -> None:
    answer = register(open_north, language="it")
    assert answer.status_code == 202
    credentials = {"email": EMAIL, "password": PASSWORD}
    assert account(open_north) is None
    early = post(open_north, LOGIN, **credentials)
    assert (early.status_code, early.json()["code"]) == (401, "email_not_verified")
    wrong = post(open_north, LOGIN, email=EMAIL, password="not-the-password")
    assert wrong.json()["code"] == "invalid_credentials"
    code = code_in(open_north)
    verified = post(open_north, VERIFY, email=EMAIL.upper(), code=code.lower().replace("-", " "))
    assert (verified.status_code, verified.json()) == (200, {"status": "active"})
    user = account(open_north)
    assert user is not None
    assert (user.name, user.language, user.is_staff, user.is_superuser) == ("Lea", "it", False, False)
    assert roles(open_north) == ["reader"]
    signed_in = post(open_north, LOGIN, **credentials)
    assert signed_in.status_code == 200
    client = api(open_north)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {signed_in.json()['access']}")
    assert client.get("/api/v1/me/").json()["email"] == EMAIL


def test_a_library_may_approve_each(north: Any, register: Any, post: Any) -> None:
    choose(north, "approval")
    register(north)
    verified = post(north, VERIFY, email=EMAIL, code=code_in(north))
    assert verified.json() == {"status": "awaiting_approval"}
    waits = post(north, LOGIN, email=EMAIL, password=PASSWORD)
    assert (waits.status_code, waits.json()["code"]) == (401, "awaiting_approval")
    assert post(north, LOGIN, email=EMAIL, password="wrong-one").json()["code"] == "invalid_credentials"
    assert roles(north) == []
    user = account(north)
    assert user is not None
    with in_library(north):
        services.approve_user(user_id=user.pk, by=SYSTEM, now=clock.now())
        with pytest.raises(NotAwaitingApproval):
            services.approve_user(user_id=user.pk, by=SYSTEM, now=clock.now())
    assert roles(north) == ["reader"]
    assert [letter.to for letter in mailed(north)] == [[EMAIL]]
    assert post(north, LOGIN, email=EMAIL, password=PASSWORD).status_code == 200


def test_a_refused_person_stays_out(north: Any, register: Any, post: Any) -> None:
    choose(north, "approval")
    register(north)
    post(north, VERIFY, email=EMAIL, code=code_in(north))
    user = account(north)
    assert user is not None
    with in_library(north):
        services.refuse_user(user_id=user.pk, by=SYSTEM, now=clock.now())
        with pytest.raises(NotAwaitingApproval):
            services.approve_user(user_id=user.pk, by=SYSTEM, now=clock.now())
    assert [letter.to for letter in mailed(north)] == [[EMAIL]]
    answer = post(north, LOGIN, email=EMAIL, password=PASSWORD)
    assert answer.json()["code"] == "invalid_credentials"
    assert roles(north) == []


def test_a_library_that_has_closed_meanwhile_opens_no_account(
    open_north: Any, register: Any, post: Any
) -> None:
    register(open_north)
    code = code_in(open_north)
    choose(open_north, "closed")
    assert post(open_north, VERIFY, email=EMAIL, code=code).json()["code"] == "code_invalid"
    assert account(open_north) is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"email": "lea"}, ("email", "invalid")),
        ({"password": "short"}, ("password", "password_too_short")),
        ({"password": "x" * 300}, ("password", "max_length")),
        ({"language": "xx"}, ("language", None)),
        ({"is_staff": True}, ("is_staff", "unknown_field")),
        ({"roles": ["admin"]}, ("roles", "unknown_field")),
        ({"is_active": True}, ("is_active", "unknown_field")),
        ({"name": "Lea\nBcc: x"}, ("name", "control_character")),
        ({"email": None}, ("email", "null")),
    ],
)
def test_what_is_wrong_is_said_and_nothing_kept(
    open_north: Any, register: Any, changes: dict[str, Any], problem: tuple[str, str | None]
) -> None:
    answer = register(open_north, **changes)
    assert answer.status_code == 400
    found = {error["field"]: error["code"] for error in answer.json()["errors"]}
    assert problem[0] in found
    assert problem[1] in (None, found[problem[0]])
    with in_library(open_north):
        assert not MailedCode.objects.exists()


# -- nobody finds out who has an account ----------------------------------------------------------------------


def shapes(queries: Any) -> list[str]:
    """The statements without their values."""
    return [re.sub(r"'[^']*'|\bs\d+_x\d+\b|\b\d+\b", "?", query["sql"]) for query in queries]


def test_a_known_address_answers_and_writes_as_an_unknown_one(open_north: Any, register: Any) -> None:
    register(open_north)  # what is read once for the process is read
    seen = []
    for email in ("new@example.org", "reader@north.example", EMAIL):
        with CaptureQueriesContext(connection) as queries:
            answer = register(open_north, email=email)
        seen.append((answer.status_code, answer.content, shapes(queries)))
    assert seen[0] == seen[1] == seen[2]
    assert any("accounts_mailedcode" in statement for statement in seen[0][2])


def test_the_owner_of_an_account_is_told_and_nobody_else(open_north: Any, register: Any, post: Any) -> None:
    with in_library(open_north):
        before = User.objects.get(email="reader@north.example").password
    register(open_north, email="Reader@north.example")
    [letter] = mailed(open_north)
    assert letter.to == ["reader@north.example"]
    assert "an account already" in str(letter.body)
    assert not re.search(r"[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}", str(letter.body))
    with in_library(open_north):
        code = MailedCode.objects.get()
        answer = post(open_north, VERIFY, email="reader@north.example", code=codes.text_of(code))
        assert answer.json()["code"] == "code_invalid"
        assert User.objects.get(email="reader@north.example").password == before


def test_asking_again_tells_nothing_and_mails_who_waits_alone(
    open_north: Any, register: Any, post: Any
) -> None:
    register(open_north)
    first = code_in(open_north)
    who = (EMAIL, "reader@north.example", "nobody@example.org")
    answers, seen = [], []
    for email in who:
        with CaptureQueriesContext(connection) as queries:
            answers.append(post(open_north, RESEND, email=email))
        seen.append(shapes(queries))
    assert {(a.status_code, a.content) for a in answers} == {(202, answers[0].content)}
    assert seen[0] == seen[1] == seen[2]
    [letter] = mailed(open_north)
    assert letter.to == [EMAIL]
    assert post(open_north, VERIFY, email=EMAIL, code=first).status_code == 401
    second = re.search(r"[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}", str(letter.body))
    assert second
    assert post(open_north, VERIFY, email=EMAIL, code=second.group()).json() == {"status": "active"}
    assert post(open_north, LOGIN, email=EMAIL, password=PASSWORD).status_code == 200


def test_an_account_made_by_staff_is_confirmed_and_keeps_its_password(
    open_north: Any, register: Any, post: Any, person: Any
) -> None:
    """Whoever registers with an address that staff have entered does not put a password of theirs on it."""
    user = person("nia", verified=False)
    register(open_north, email=user.email, password="an attackers phrase")
    assert post(open_north, VERIFY, email=user.email, code=code_in(open_north)).json()["status"] == "active"
    attacker = post(open_north, LOGIN, email=user.email, password="an attackers phrase")
    assert attacker.json()["code"] == "invalid_credentials"
    assert post(open_north, LOGIN, email=user.email, password="correct-horse-battery").status_code == 200


def test_the_later_of_two_registrations_counts(open_north: Any, register: Any, post: Any) -> None:
    register(open_north, password="the first pass phrase")
    first = code_in(open_north)
    register(open_north, password="the second pass phrase")
    assert post(open_north, VERIFY, email=EMAIL, code=first).status_code == 401
    post(open_north, VERIFY, email=EMAIL, code=code_in(open_north))
    assert post(open_north, LOGIN, email=EMAIL, password="the first pass phrase").status_code == 401
    assert post(open_north, LOGIN, email=EMAIL, password="the second pass phrase").status_code == 200


# -- the code -------------------------------------------------------------------------------------------------


def test_a_code_is_good_once(open_north: Any, register: Any, post: Any) -> None:
    register(open_north)
    code = code_in(open_north)
    assert post(open_north, VERIFY, email=EMAIL, code=code).status_code == 200
    again = post(open_north, VERIFY, email=EMAIL, code=code)
    assert (again.status_code, again.json()["code"]) == (401, "code_invalid")


def test_a_used_registration_is_gone(open_north: Any, register: Any, post: Any) -> None:
    register(open_north)
    post(open_north, VERIFY, email=EMAIL, code=code_in(open_north))
    with in_library(open_north):
        assert not MailedCode.objects.exists()


def test_a_code_is_good_for_fifteen_minutes(open_north: Any, register: Any, post: Any) -> None:
    with freeze_time(clock.now()) as time:
        register(open_north)
        code = code_in(open_north)
        time.tick(timedelta(minutes=15))
        assert post(open_north, VERIFY, email=EMAIL, code=code).status_code == 401
        time.tick(timedelta(seconds=-1))
        assert post(open_north, VERIFY, email=EMAIL, code=code).status_code == 200


def test_five_wrong_tries_end_a_code(open_north: Any, register: Any, post: Any) -> None:
    register(open_north)
    code = code_in(open_north)
    for _try in range(5):
        assert post(open_north, VERIFY, email=EMAIL, code=another(code)).status_code == 401
    assert post(open_north, VERIFY, email=EMAIL, code=code).status_code == 401
    assert account(open_north) is None


def test_four_wrong_tries_do_not(open_north: Any, register: Any, post: Any) -> None:
    register(open_north)
    code = code_in(open_north)
    for _try in range(4):
        post(open_north, VERIFY, email=EMAIL, code=another(code))
    assert post(open_north, VERIFY, email=EMAIL, code=code).status_code == 200


def test_a_code_of_another_library_or_address_is_worth_nothing(
    open_north: Any, south: Any, register: Any, post: Any
) -> None:
    choose(south, "open")
    for library in (open_north, south):
        register(library)
    register(open_north, email="nia@example.org")
    with in_library(open_north):
        mine, hers = (
            codes.text_of(MailedCode.objects.get(address=address)) for address in (EMAIL, "nia@example.org")
        )
        row = MailedCode.objects.filter(address=EMAIL).values().get()
    with in_library(south):
        # The very same row: a copied schema is no key either.
        MailedCode.objects.filter(address=EMAIL).update(nonce=row["nonce"])
    assert post(south, VERIFY, email=EMAIL, code=mine).status_code == 401
    assert account(south) is None
    assert post(open_north, VERIFY, email=EMAIL, code=hers).status_code == 401
    assert post(open_north, VERIFY, email=EMAIL, code=mine).status_code == 200


def test_a_code_to_change_an_address_verifies_none(open_north: Any, person: Any, post: Any) -> None:
    user = person()
    with in_library(open_north):
        code = MailedCode(purpose="change", user=user, address=EMAIL, password_hash="!")
        codes.renew(code, now=clock.now())
        text = codes.text_of(code)
    assert post(open_north, VERIFY, email=EMAIL, code=text).status_code == 401
    assert account(open_north) is None


@pytest.mark.parametrize("code", ["", "x" * 33, "ÄÖÜß", "1" * 8, "--------", "null", "\u0130" * 8])
def test_what_is_no_code_is_refused(open_north: Any, register: Any, post: Any, code: str) -> None:
    register(open_north)
    assert post(open_north, VERIFY, email=EMAIL, code=code).status_code in (400, 401)
    assert account(open_north) is None


def test_the_code_stands_in_no_table_and_no_log(open_north: Any, register: Any, caplog: Any) -> None:
    register(open_north)
    code = code_in(open_north).replace("-", "")
    with in_library(open_north):
        rows = [
            str(row) for model in (MailedCode, OutboxMessage, AuditEntry) for row in model.objects.values()
        ]
    assert len(rows) >= 3
    assert not any(code in row or PASSWORD in row for row in rows)
    assert code not in caplog.text
    assert PASSWORD not in caplog.text


def test_a_key_that_was_rotated_out_still_counts(
    open_north: Any, register: Any, post: Any, settings: Any
) -> None:
    register(open_north)
    code = code_in(open_north)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = (
        "another-" + settings.SECRET_KEY,
        [settings.SECRET_KEY],
    )
    assert post(open_north, VERIFY, email=EMAIL, code=code).status_code == 200


def test_mails_to_one_mailbox_are_limited(limits: Any, open_north: Any, register: Any, post: Any) -> None:
    limits.RATE_LIMITS = {**limits.RATE_LIMITS, "email-code": (2, 3600)}
    assert [register(open_north).status_code for _ in range(2)] == [202, 202]
    assert register(open_north).status_code == 429
    assert post(open_north, RESEND, email=EMAIL.upper()).status_code == 429
    assert register(open_north, email="nia@example.org").status_code == 202


def test_registrations_from_one_address_are_limited(limits: Any, open_north: Any, register: Any) -> None:
    limits.RATE_LIMITS = {**limits.RATE_LIMITS, "registration": (2, 3600)}
    answers = [register(open_north, email=f"r{number}@example.org").status_code for number in range(3)]
    assert answers == [202, 202, 429]


def test_what_nobody_confirms_is_forgotten(open_north: Any, register: Any) -> None:
    register(open_north)
    with in_library(open_north):
        services.purge_sessions(now=clock.now() + timedelta(days=1))
        assert MailedCode.objects.count() == 1
        services.purge_sessions(now=clock.now() + timedelta(days=3))
        assert not MailedCode.objects.exists()
