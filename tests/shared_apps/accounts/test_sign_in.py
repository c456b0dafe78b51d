"""Signing in over HTTP: who gets in, and how little the others learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import LibraryContext, in_library, in_public
from shared_apps.accounts.models import User
from shared_apps.accounts.services import create_user
from shared_apps.audit.models import AuditEntry
from tenant_apps.branches.models import Branch
from tenant_apps.patrons.models import Card, Patron, PatronCategory

PASSWORD = "correct-horse-battery"
LOGIN = "/api/v1/auth/login/"
pytestmark = pytest.mark.django_db


def without_id(response: Any) -> dict[str, Any]:
    return {key: value for key, value in response.json().items() if key != "request_id"}


@pytest.fixture
def card(north: LibraryContext, person: Callable[..., Any]) -> Any:
    """Card 2900 of a patron whose account is lea's."""
    user = person()
    with in_library(north):
        patron = Patron.objects.create(
            name="Lea",
            category=PatronCategory.objects.all()[0],
            home_branch=Branch.objects.all()[0],
            user=user,
            created_at=clock.now(),
        )
        return Card.objects.create(patron=patron, number="2900")


def test_the_right_password_opens_a_session(person: Any, sign_in: Any, api: Any, north: Any) -> None:
    user = person()
    response = sign_in()
    assert response.status_code == 200
    assert response.json()["user"] == {"id": str(user.pk), "email": "lea@north.example"}
    client = api(north)
    assert client.get("/api/v1/me/").status_code == 401
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {response.json()['access']}")
    assert client.get("/api/v1/me/").json()["email"] == "lea@north.example"


def test_tokens_in_the_body_come_without_any_cookie(person: Any, sign_in: Any) -> None:
    person()
    response = sign_in()
    assert set(response.json()) == {"access", "refresh", "user"}
    assert not response.cookies


def test_the_case_of_an_address_does_not_matter(person: Any, sign_in: Any) -> None:
    person()
    assert sign_in(email="LEA@North.Example").status_code == 200
    assert sign_in(email="lea@north.example.org").status_code == 401


def test_a_letter_that_only_looks_alike_in_capitals_is_another_letter(person: Any, sign_in: Any) -> None:
    person("lisa")
    assert sign_in(email="LISA@north.example").status_code == 200
    for odd in ("l\u0131sa@north.example", "li\u017fa@north.example"):  # dotless i, long s
        assert odd.upper() == "LISA@NORTH.EXAMPLE"
        assert sign_in(email=odd).status_code == 401


@pytest.mark.parametrize("password", [f" {PASSWORD}", f"{PASSWORD} ", PASSWORD.upper(), PASSWORD[:-1], "x"])
def test_a_password_is_compared_exactly(person: Any, sign_in: Any, password: str) -> None:
    person()
    response = sign_in(password=password)
    assert (response.status_code, response.json()["code"]) == (401, "invalid_credentials")
    assert sign_in().status_code == 200


def test_a_password_with_spaces_around_it_works_as_it_is(person: Any, sign_in: Any) -> None:
    person("nia", password="  spaces count  ")
    assert sign_in("nia", password="  spaces count  ").status_code == 200
    assert sign_in("nia", password="spaces count").status_code == 401


def test_an_unknown_address_and_a_wrong_password_look_the_same(person: Any, sign_in: Any) -> None:
    person()
    wrong, unknown = sign_in(password="not-it-at-all"), sign_in("nobody", password="not-it-at-all")
    assert wrong.status_code == unknown.status_code == 401
    assert without_id(wrong) == without_id(unknown)
    assert without_id(wrong)["code"] == "invalid_credentials"
    assert set(wrong.headers) == set(unknown.headers)


def test_an_unknown_address_costs_as_much_as_a_wrong_password(
    person: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    person()
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def spy(self: Any, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", spy)
    counts = []
    for body in ({"password": "wrong-one"}, {"name": "nobody", "password": "wrong-one"}, {}):
        hashed.clear()
        name = body.pop("name", "lea")
        sign_in(name, **body)
        counts.append(len(hashed))
    assert counts == [2, 2, 1], "a refusal also looks at a registration that waits"
    hashed.clear()
    sign_in(email=None, card_number="no such card", password="wrong-one")
    assert len(hashed) == 2


def test_an_inactive_account_looks_like_an_unknown_one(person: Any, sign_in: Any, north: Any) -> None:
    user = person()
    assert sign_in().status_code == 200
    with in_library(north):
        User.objects.filter(pk=user.pk).update(is_active=False)
    refused = sign_in()
    assert refused.status_code == 401
    assert without_id(refused) == without_id(sign_in("nobody"))


def test_an_account_without_a_password_cannot_be_entered(person: Any, sign_in: Any) -> None:
    person("nia", password=None)
    for guess in ("x", "!", "None"):
        assert sign_in("nia", password=guess).json()["code"] == "invalid_credentials"


def test_an_unverified_address_is_told_only_to_its_owner(person: Any, sign_in: Any) -> None:
    person("nia", verified=False)
    person()
    assert sign_in("nia").json()["code"] == "email_not_verified"
    assert sign_in("nia").status_code == 401
    assert sign_in("nia", password="wrong-one").json()["code"] == "invalid_credentials"
    assert sign_in().status_code == 200


# -- cards ----------------------------------------------------------------------------------------------------


def test_a_card_number_stands_for_the_account_of_its_patron(card: Any, sign_in: Any, north: Any) -> None:
    response = sign_in(email=None, card_number="2900")
    assert response.status_code == 200
    assert response.json()["user"]["email"] == "lea@north.example"
    with in_library(north):
        entry = AuditEntry.objects.filter(action="session.started").latest("id")
    assert entry.changes == {"with": "card"}


def test_a_lost_card_and_a_card_without_account_answer_as_unknown(
    card: Any, sign_in: Any, north: LibraryContext
) -> None:
    unknown = without_id(sign_in(email=None, card_number="1"))
    assert unknown["code"] == "invalid_credentials"
    with in_library(north):
        Patron.objects.filter(pk=card.patron_id).update(user=None)
    assert without_id(sign_in(email=None, card_number="2900")) == unknown
    with in_library(north):
        Patron.objects.filter(pk=card.patron_id).update(user=User.objects.get(email="lea@north.example"))
        Card.objects.filter(pk=card.pk).update(lost_at=clock.now())
    assert without_id(sign_in(email=None, card_number="2900")) == unknown


def test_a_card_with_a_wrong_password_is_refused(card: Any, sign_in: Any) -> None:
    response = sign_in(email=None, card_number="2900", password="wrong-one")
    assert (response.status_code, response.json()["code"]) == (401, "invalid_credentials")


def test_a_card_of_one_library_opens_no_other(card: Any, south: LibraryContext, api: Any) -> None:
    body = {"card_number": "2900", "password": PASSWORD}
    assert api(south).post(LOGIN, body, format="json").status_code == 401


# -- the body -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"email": None}, "email", "required"),
        ({"card_number": "2900"}, "email", "required"),
        ({"password": None}, "password", "required"),
        ({"password": ""}, "password", "blank"),
        ({"password": 12345678}, "password", "invalid"),
        ({"password": ["a"]}, "password", "invalid"),
        ({"password": "x" * 257}, "password", "max_length"),
        ({"password": "a\x07b"}, "password", "control_character"),
        ({"email": "a\r\nb@c.example"}, "email", "control_character"),
        ({"transport": "carrier pigeon"}, "transport", "invalid_choice"),
        ({"emial": "lea@north.example"}, "emial", "unknown_field"),
        ({"is_staff": True}, "is_staff", "unknown_field"),
    ],
)
def test_a_wrong_body_is_named(person: Any, sign_in: Any, changes: Any, field: str, code: str) -> None:
    person()
    response = sign_in(**changes)
    assert response.status_code == 400
    assert {"field": field, "code": code} in [
        {"field": error["field"], "code": error["code"]} for error in response.json()["errors"]
    ]


def test_a_megabyte_of_password_costs_nothing(person: Any, sign_in: Any) -> None:
    person()
    assert sign_in(password="x" * 900_000).status_code == 400


def test_credentials_do_not_travel_in_the_address(person: Any, api: Any, north: Any) -> None:
    person()
    query = f"?email=lea@north.example&password={PASSWORD}"
    assert api(north).post(LOGIN + query, {}, format="json").status_code == 400
    assert api(north).get(LOGIN + query).status_code == 405


def test_a_session_outlives_the_new_hash_of_an_old_password(
    person: Any, sign_in: Any, api: Any, north: Any, settings: Any
) -> None:
    user = person()
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    answer = sign_in()
    with in_library(north):
        assert User.objects.get(pk=user.pk).password.startswith("scrypt$")
    client = api(north)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    assert client.get("/api/v1/me/").status_code == 200


def test_a_stale_token_does_not_stand_in_the_way(person: Any, sign_in: Any, api: Any, north: Any) -> None:
    person()
    client = api(north)
    client.credentials(HTTP_AUTHORIZATION="Bearer of.bad.news")
    assert client.get("/api/v1/me/").status_code == 401
    assert sign_in(client=client).status_code == 200


# -- both sites, and the log ------------------------------------------------------------------------------------


def test_platform_staff_sign_in_at_the_public_site_alone(public_api: Any, api: Any, north: Any) -> None:
    with in_public():
        create_user(
            email="staff@platform.example",
            name="Staff",
            password=PASSWORD,
            verified=True,
            is_staff=True,
            now=clock.now(),
            by=SYSTEM,
        )
    body = {"email": "staff@platform.example", "password": PASSWORD}
    assert public_api().post(LOGIN, body, format="json").status_code == 200
    assert api(north).post(LOGIN, body, format="json").status_code == 401
    assert public_api().post(LOGIN, {"card_number": "1", "password": "x"}, format="json").status_code == 401


def test_people_of_a_library_do_not_sign_in_elsewhere(
    person: Any, sign_in: Any, api: Any, south: Any
) -> None:
    person()
    body = {"email": "lea@north.example", "password": PASSWORD}
    assert sign_in().status_code == 200
    assert api(south).post(LOGIN, body, format="json").status_code == 401


def test_each_sign_in_and_each_refusal_is_in_the_audit_log(person: Any, sign_in: Any, north: Any) -> None:
    user = person()
    with in_library(north):
        before = AuditEntry.objects.count()
    sign_in()
    sign_in(password="wrong-one")
    sign_in("nobody")
    with in_library(north):
        entries = list(
            AuditEntry.objects.order_by("id")[before:].values_list("action", "target_id", "changes")
        )
    assert entries == [
        ("session.started", str(user.pk), {"with": "email"}),
        ("session.refused", str(user.pk), {"reason": "invalid_credentials"}),
        ("session.refused", "", {"reason": "invalid_credentials"}),
    ]


def test_neither_the_log_nor_the_answer_holds_the_password(
    person: Any, sign_in: Any, caplog: pytest.LogCaptureFixture
) -> None:
    person()
    with caplog.at_level("INFO"):
        refused = sign_in(password="wrong-secret-xyz")
        accepted = sign_in()
    assert "sign_in_refused" in caplog.text
    assert "signed_in" in caplog.text
    for text in (caplog.text, refused.content.decode(), accepted.content.decode()):
        assert "wrong-secret-xyz" not in text
        assert PASSWORD not in text


def test_a_sign_in_is_remembered_as_the_last(person: Any, sign_in: Any, north: Any) -> None:
    user = person()
    assert user.last_login is None
    sign_in(password="wrong-one")
    with in_library(north):
        assert User.objects.get(pk=user.pk).last_login is None
    sign_in()
    with in_library(north):
        assert User.objects.get(pk=user.pk).last_login is not None
