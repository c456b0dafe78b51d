"""Giving one's account another e-mail address."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from freezegun import freeze_time

from saas.core import clock
from saas.core.tenancy import in_library
from shared_apps.accounts.models import MailedCode, User
from shared_apps.accounts.services import codes, reset_link_parts
from shared_apps.delivery.services import relay

pytestmark = pytest.mark.django_db
CHANGE, CONFIRM = "/api/v1/auth/email/change/", "/api/v1/auth/email/change/confirm/"
ME, LOGIN = "/api/v1/me/", "/api/v1/auth/login/"
OLD, NEW, PASSWORD = "lea@north.example", "lea@elsewhere.example", "correct-horse-battery"


@pytest.fixture
def lea(person: Any) -> Any:
    return person()


@pytest.fixture
def client(lea: Any, sign_in: Any, api: Any, north: Any) -> Any:
    found = api(north)
    found.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in().json()['access']}")
    return found


def ask(client: Any, email: str = NEW, password: str = PASSWORD) -> Any:
    return client.post(CHANGE, {"email": email, "password": password}, format="json")


def confirm(client: Any, code: str) -> Any:
    return client.post(CONFIRM, {"code": code}, format="json")


def letters(library: Any) -> dict[str, str]:
    mail.outbox.clear()
    with in_library(library):
        relay()
    return {letter.to[0]: str(letter.body) for letter in mail.outbox}


def code_to(address: str, library: Any) -> str:
    found = re.search(r"[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}", letters(library)[address])
    assert found
    return found.group()


def email_of(user: Any, library: Any) -> str:
    with in_library(library):
        return User.objects.get(pk=user.pk).email


def test_from_the_old_address_to_the_new_one(
    client: Any, lea: Any, sign_in: Any, api: Any, north: Any
) -> None:
    elsewhere = sign_in().json()
    assert ask(client).status_code == 202
    sent = letters(north)
    assert set(sent) == {OLD, NEW}
    assert "another e-mail address" in sent[OLD]
    assert NEW not in sent[OLD]
    found = re.search(r"[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}", sent[NEW])
    assert found
    assert email_of(lea, north) == OLD
    assert sign_in().status_code == 200, "the old address signs in until the new one is confirmed"
    assert sign_in(email=NEW).status_code == 401
    assert confirm(client, found.group()).status_code == 200
    assert email_of(lea, north) == NEW
    assert (sign_in().status_code, sign_in(email=NEW).status_code) == (401, 200)
    assert client.get(ME).json()["email"] == NEW
    other = api(north)
    other.credentials(HTTP_AUTHORIZATION=f"Bearer {elsewhere['access']}")
    assert other.get(ME).status_code == 401
    with in_library(north):
        assert list(EmailAddress.objects.filter(user=lea).values_list("email", "verified", "primary")) == [
            (NEW, True, True)
        ]


def test_the_password_is_asked_again(limits: Any, client: Any, lea: Any, north: Any) -> None:
    answer = ask(client, password="wrong-one")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "wrong_password")
    with in_library(north):
        assert not MailedCode.objects.exists()
    ask(client, password="wrong-one")
    ask(client, password="wrong-one")
    assert ask(client).status_code == 429


def test_nobody_without_an_account_changes_one(api: Any, north: Any, lea: Any) -> None:
    for answer in (ask(api(north)), confirm(api(north), "ABCD-EFGH")):
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_an_address_of_somebody_else_is_not_told(client: Any, lea: Any, person: Any, north: Any) -> None:
    person("nia")
    free, taken = ask(client), ask(client, "NIA@north.example")
    assert (free.status_code, free.content) == (taken.status_code, taken.content)
    assert set(letters(north)) == {OLD}
    with in_library(north):
        text = codes.text_of(MailedCode.objects.get(address="nia@north.example"))
    answer = confirm(client, text)
    assert (answer.status_code, answer.json()["code"]) == (404, "code_invalid")
    assert email_of(lea, north) == OLD


def test_an_address_that_was_taken_meanwhile_is_refused(
    client: Any, lea: Any, person: Any, north: Any
) -> None:
    ask(client, "nia@north.example")
    code = code_to("nia@north.example", north)
    person("nia")
    assert confirm(client, code).json()["code"] == "code_invalid"
    assert email_of(lea, north) == OLD


def test_ones_own_address_is_no_change(client: Any, lea: Any) -> None:
    answer = ask(client, OLD.upper())
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unchanged")


def test_a_code_is_good_once_and_for_its_user_and_library(
    client: Any, lea: Any, person: Any, sign_in: Any, api: Any, north: Any, south: Any
) -> None:
    ask(client)
    code = code_to(NEW, north)
    nia, other = person("nia"), api(north)
    other.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in('nia').json()['access']}")
    assert confirm(other, code).status_code == 404
    assert email_of(nia, north) == "nia@north.example"
    assert confirm(api(south, "reader"), code).status_code == 404
    assert confirm(client, code).status_code == 200
    assert confirm(client, code).status_code == 404


def test_a_new_wish_ends_the_code_of_the_old_one(client: Any, lea: Any, north: Any) -> None:
    ask(client)
    code = code_to(NEW, north)
    ask(client, "third@elsewhere.example")
    assert confirm(client, code).status_code == 404
    assert confirm(client, code_to("third@elsewhere.example", north)).status_code == 200


def test_wrong_tries_and_time_end_a_code(client: Any, lea: Any, sign_in: Any, api: Any, north: Any) -> None:
    ask(client)
    code = code_to(NEW, north)
    wrong = code[:-1] + ("2" if code[-1] != "2" else "3")
    for _try in range(5):
        assert confirm(client, wrong).status_code == 404
    assert confirm(client, code).status_code == 404
    assert email_of(lea, north) == OLD
    ask(client)
    fresh = code_to(NEW, north)
    with freeze_time(clock.now() + timedelta(minutes=16)):
        late = api(north)
        late.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in().json()['access']}")
        assert confirm(late, fresh).status_code == 404
    assert confirm(client, fresh).status_code == 200


def test_a_changed_password_ends_the_code(client: Any, lea: Any, sign_in: Any, api: Any, north: Any) -> None:
    ask(client)
    code = code_to(NEW, north)
    body = {"old_password": PASSWORD, "new_password1": "another-long-phrase"}
    access = client.post("/api/v1/auth/password/change/", body, format="json").json()["access"]
    again = api(north)
    again.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    assert confirm(again, code).status_code == 404
    assert email_of(lea, north) == OLD


def test_a_reset_link_to_the_old_address_is_dead_after_the_change(
    client: Any, lea: Any, sign_in: Any, api: Any, north: Any
) -> None:
    with in_library(north):
        link = reset_link_parts(User.objects.get(pk=lea.pk))
    path = "/api/v1/auth/password/reset/confirm/"
    ask(client)
    confirm(client, code_to(NEW, north))
    answer = api(north).post(path, {**link, "new_password1": "another-long-phrase"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert sign_in(email=NEW).status_code == 200
    with in_library(north):
        fresh = reset_link_parts(User.objects.get(pk=lea.pk))
    body = {**fresh, "new_password1": "another-long-phrase"}
    assert api(north).post(path, body, format="json").status_code == 200
    assert api(north).post(path, body, format="json").status_code == 401
