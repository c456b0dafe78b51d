"""Changing a password, and setting a new one by a mailed link."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from freezegun import freeze_time

from saas.core import clock
from saas.core.tenancy import in_library
from shared_apps.accounts import selectors
from shared_apps.accounts.models import User
from shared_apps.accounts.services.passwords import RESET_MAIL, reset_link_parts
from shared_apps.accounts.tasks import send_password_reset, site_url
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage

pytestmark = pytest.mark.django_db
PASSWORD, FRESH = "correct-horse-battery", "another-long-phrase"
CHANGE, RESET = "/api/v1/auth/password/change/", "/api/v1/auth/password/reset/"
CONFIRM, ME = "/api/v1/auth/password/reset/confirm/", "/api/v1/me/"


@pytest.fixture
def lea(person: Any) -> Any:
    return person()


def client_with(api: Any, library: Any, access: str) -> Any:
    client = api(library)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


def link_of(library: Any, user: Any) -> dict[str, str]:
    with in_library(library):
        return reset_link_parts(User.objects.get(pk=user.pk))


def confirm(api: Any, library: Any, link: dict[str, str], password: str = FRESH) -> Any:
    return api(library).post(CONFIRM, {**link, "new_password1": password}, format="json")


def stored_hash(library: Any, user: Any) -> str:
    with in_library(library):
        return User.objects.get(pk=user.pk).password


# -- changing -------------------------------------------------------------------------------------------------


def test_a_changed_password_ends_every_session_and_opens_one(
    lea: Any, sign_in: Any, api: Any, north: Any
) -> None:
    here, elsewhere = sign_in().json(), sign_in().json()
    client = client_with(api, north, here["access"])
    body = {"old_password": PASSWORD, "new_password1": FRESH, "new_password2": FRESH}
    response = client.post(CHANGE, body, format="json")
    assert response.status_code == 200
    for old in (here["access"], elsewhere["access"]):
        assert client_with(api, north, old).get(ME).status_code == 401
    for old in (here["refresh"], elsewhere["refresh"]):
        assert api(north).post("/api/v1/auth/refresh/", {"refresh": old}, format="json").status_code == 401
    assert client_with(api, north, response.json()["access"]).get(ME).status_code == 200
    assert sign_in().status_code == 401
    assert sign_in(password=FRESH).status_code == 200


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"old_password": "wrong-one"}, ("old_password", "wrong_password")),
        ({"old_password": None}, ("old_password", "required")),
        ({"new_password1": "short"}, ("new_password1", "password_too_short")),
        ({"new_password1": "1234567890"}, ("new_password1", "password_too_common")),
        ({"new_password1": "lea@north.example"}, ("new_password1", "password_too_similar")),
        ({"new_password2": "something-else-1"}, ("new_password2", "password_mismatch")),
        ({"new_password": FRESH}, ("new_password", "unknown_field")),
    ],
)
@pytest.mark.usefixtures("lea")
def test_a_refused_change_changes_nothing(
    sign_in: Any, api: Any, north: Any, changes: dict[str, Any], problem: tuple[str, str]
) -> None:
    with in_library(north):
        lea = selectors.user_with_email("lea@north.example")
    before = stored_hash(north, lea)
    client = client_with(api, north, sign_in().json()["access"])
    body = {"old_password": PASSWORD, "new_password1": FRESH, **changes}
    response = client.post(
        CHANGE, {key: text for key, text in body.items() if text is not None}, format="json"
    )
    assert response.status_code == 400
    assert problem in [(error["field"], error["code"]) for error in response.json()["errors"]]
    assert stored_hash(north, lea) == before
    assert client.get(ME).status_code == 200


def test_only_a_signed_in_person_changes_a_password(lea: Any, api: Any, north: Any) -> None:
    body = {"old_password": PASSWORD, "new_password1": FRESH}
    response = api(north).post(CHANGE, body, format="json")
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


def test_the_old_password_cannot_be_guessed_through_a_stolen_token(
    limits: Any, lea: Any, sign_in: Any, api: Any, north: Any
) -> None:
    client = client_with(api, north, sign_in().json()["access"])
    body = {"old_password": "wrong-one", "new_password1": FRESH}
    assert [client.post(CHANGE, body, format="json").status_code for _ in range(4)] == [400, 400, 400, 429]
    body = {"old_password": PASSWORD, "new_password1": FRESH}
    assert client.post(CHANGE, body, format="json").status_code == 429


def test_a_change_is_audited_without_the_passwords(lea: Any, sign_in: Any, api: Any, north: Any) -> None:
    client = client_with(api, north, sign_in().json()["access"])
    client.post(CHANGE, {"old_password": PASSWORD, "new_password1": FRESH}, format="json")
    with in_library(north):
        entry = AuditEntry.objects.get(action="password.changed")
        assert (entry.target_id, entry.actor_user_id, entry.changes) == (str(lea.pk), lea.pk, {})
        assert User.objects.get(pk=lea.pk).version == lea.version + 1


# -- asking for a link ----------------------------------------------------------------------------------------


def test_known_and_unknown_addresses_get_the_same_answer_and_the_same_rows(
    lea: Any, person: Any, api: Any, north: Any
) -> None:
    person("unverified", verified=False)
    person("gone")
    with in_library(north):
        User.objects.filter(email="gone@north.example").update(is_active=False)
        audited = AuditEntry.objects.count()
    answers = []
    for name in ("lea", "nobody", "unverified", "gone"):
        response = api(north).post(RESET, {"email": f"{name}@north.example"}, format="json")
        answers.append((response.status_code, response.content))
    assert answers[0][0] == 200
    assert len(set(answers)) == 1
    with in_library(north):
        published = OutboxMessage.objects.filter(kind=RESET_MAIL).order_by("id")
        assert list(published.values_list("payload", flat=True)) == [{"user": lea.pk}] + [{"user": None}] * 3
        assert AuditEntry.objects.count() == audited + 4


def test_the_mail_brings_a_link_of_this_library_that_works(
    lea: Any, api: Any, north: Any, mailoutbox: Any, sign_in: Any
) -> None:
    with in_library(north):
        send_password_reset({"user": lea.pk})
    (mail,) = mailoutbox
    assert mail.to == ["lea@north.example"]
    assert "North Library" in mail.subject
    link = urlsplit(re.search(r"https?://\S+", mail.body).group())  # type: ignore[union-attr]
    assert link.hostname == "north.localhost"
    parts = {key: values[0] for key, values in parse_qs(link.query).items()}
    assert confirm(api, north, parts).status_code == 200
    assert sign_in(password=FRESH).status_code == 200


def test_nobody_else_gets_a_mail(lea: Any, north: Any, mailoutbox: Any) -> None:
    with in_library(north):
        send_password_reset({"user": None})
        User.objects.filter(pk=lea.pk).update(is_active=False)
        send_password_reset({"user": lea.pk})
    assert mailoutbox == []


def test_a_name_cannot_add_a_mail_header(north: Any, lea: Any, mailoutbox: Any) -> None:
    with in_library(north):
        User.objects.filter(pk=lea.pk).update(name="Lea\r\nBcc: thief@evil.example")
        send_password_reset({"user": lea.pk})
    (mail,) = mailoutbox
    assert mail.recipients() == ["lea@north.example"]
    assert "Bcc" not in str(mail.message()).split("\n\n")[0]


def test_the_mail_is_in_the_persons_language(north: Any, lea: Any, mailoutbox: Any) -> None:
    with in_library(north):
        User.objects.filter(pk=lea.pk).update(language="it")
        send_password_reset({"user": lea.pk})
    assert mailoutbox[0].body


def test_links_lead_to_the_site_that_sent_them(north: Any, settings: Any) -> None:
    settings.PUBLIC_URL = "https://library.example:8443/anything"
    assert site_url() == "https://library.example:8443"
    with in_library(north):
        assert site_url() == "https://north.localhost:8443"


def test_asking_for_mails_is_limited_and_leaves_the_sign_in_alone(
    limits: Any, lea: Any, api: Any, north: Any, sign_in: Any
) -> None:
    ask = {"email": "lea@north.example"}
    assert [api(north).post(RESET, ask, format="json").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert sign_in().status_code == 200


# -- using the link -------------------------------------------------------------------------------------------


def test_a_link_works_once(lea: Any, api: Any, north: Any, sign_in: Any) -> None:
    link = link_of(north, lea)
    assert confirm(api, north, link).status_code == 200
    again = confirm(api, north, link, "yet-another-phrase")
    assert (again.status_code, again.json()["code"]) == (401, "token_invalid")
    assert sign_in(password=FRESH).status_code == 200


def test_a_link_ends_sessions_and_opens_none(lea: Any, api: Any, north: Any, sign_in: Any) -> None:
    access = sign_in().json()["access"]
    response = confirm(api, north, link_of(north, lea))
    assert set(response.json()) == {"detail"}
    assert not response.cookies
    assert client_with(api, north, access).get(ME).status_code == 401


def test_a_link_does_not_pass_by_the_second_factor(lea: Any, api: Any, north: Any, sign_in: Any) -> None:
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    with in_library(north):
        TOTP.activate(lea, generate_totp_secret())
    assert confirm(api, north, link_of(north, lea)).status_code == 200
    assert sign_in(password=FRESH).json()["code"] == "mfa_required"


def test_a_weak_password_leaves_the_link_alive(lea: Any, api: Any, north: Any) -> None:
    link, before = link_of(north, lea), stored_hash(north, lea)
    weak = confirm(api, north, link, "short")
    assert weak.json()["errors"][0]["code"] == "password_too_short"
    assert stored_hash(north, lea) == before
    assert confirm(api, north, link).status_code == 200


@pytest.mark.parametrize("event", ["password", "email", "sign_in", "inactive"])
def test_what_happens_to_the_account_kills_the_link(
    lea: Any, api: Any, north: Any, sign_in: Any, event: str
) -> None:
    link = link_of(north, lea)
    with in_library(north):
        user = User.objects.get(pk=lea.pk)
        if event == "password":
            user.set_password("changed-meanwhile")
        elif event == "email":
            user.email = "new@north.example"
        elif event == "inactive":
            user.is_active = False
        user.save()
    if event == "sign_in":
        assert sign_in().status_code == 200
    before = stored_hash(north, lea)
    assert confirm(api, north, link).json()["code"] == "token_invalid"
    assert stored_hash(north, lea) == before


def test_a_link_dies_after_an_hour(lea: Any, api: Any, north: Any) -> None:
    link = link_of(north, lea)
    with freeze_time(clock.now() + timedelta(minutes=61)):
        assert confirm(api, north, link).status_code == 401
    with freeze_time(clock.now() + timedelta(minutes=59)):
        assert confirm(api, north, link).status_code == 200


def test_a_link_of_one_library_opens_no_account_of_another(
    person: Any, api: Any, north: Any, south: Any
) -> None:
    """The same id, address, password hash and last sign-in in both: only the library differs."""
    with in_library(north):
        ours = User.objects.get(email="reader@north.example")
    with in_library(south):
        theirs = User.objects.get(pk=ours.pk)
        for name in ("email", "password", "last_login"):
            setattr(theirs, name, getattr(ours, name))
        theirs.save()
        theirs.emailaddress_set.update(email=ours.email)
    before = stored_hash(south, theirs)
    link = link_of(north, ours)
    refused = confirm(api, south, link)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
    assert stored_hash(south, theirs) == before
    assert confirm(api, north, link).status_code == 200


@pytest.mark.parametrize("uid", ["0", "-1", "9" * 18, "9" * 19, "abc", "1 or 1=1", "٣"])
def test_an_impossible_user_is_an_invalid_link(lea: Any, api: Any, north: Any, uid: str) -> None:
    response = confirm(api, north, {**link_of(north, lea), "uid": uid})
    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")


def test_a_link_of_somebody_else_does_not_fit(lea: Any, person: Any, api: Any, north: Any) -> None:
    nia = person("nia")
    mixed = {**link_of(north, lea), "uid": str(nia.pk)}
    before = stored_hash(north, nia)
    assert confirm(api, north, mixed).status_code == 401
    assert stored_hash(north, nia) == before
