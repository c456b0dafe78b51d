"""Asking for a library: what is stored, what is mailed, what is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from django.core import mail

from saas.core import clock
from saas.core.errors import ValidationFailed
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from shared_apps.delivery.services import relay
from shared_apps.signup import rules, services, tokens
from shared_apps.signup.applications import Application
from shared_apps.signup.models import SignUp

GOOD = {
    "library_name": "Harbour Library",
    "subdomain": "harbour",
    "admin_name": "Hanna Harbour",
    "admin_email": "hanna@harbour.example",
}
PASSWORD = "otters-swim-at-dawn"


def ask(password: str = PASSWORD, **changes: Any) -> SignUp:
    return services.request_library(
        application=Application(**{**GOOD, **changes}), password=password, now=clock.now()
    )


def refused(password: str = PASSWORD, **changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationFailed) as caught:
        ask(password, **changes)
    return [(problem.field, problem.code) for problem in caught.value.errors]


# -- stored ----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_is_stored_has_no_password_and_no_token() -> None:
    row = ask(country="it", time_zone="", subdomain=" Harbour ", admin_email="Hanna@HARBOUR.example")
    row.refresh_from_db()
    token = tokens.token_for(row.pk, row.token_nonce)
    assert row.status == "pending_verification"
    assert row.subdomain == "harbour"
    assert (row.country, row.time_zone) == ("IT", "Europe/Rome")
    assert row.admin_email == "Hanna@harbour.example"
    assert row.expires_at - row.created_at == dt.timedelta(hours=48)
    assert check_password(PASSWORD, row.password_hash)
    stored = repr(SignUp.objects.filter(pk=row.pk).values().get())
    assert PASSWORD not in stored
    assert token not in stored
    assert row.token_digest == tokens.digest_of(token)


@pytest.mark.django_db
def test_the_outbox_and_the_log_name_the_row_and_no_person() -> None:
    row = ask()
    message = OutboxMessage.objects.get(kind="signup.verification_mail")
    assert message.payload == {"sign_up_id": str(row.pk)}
    entry = AuditEntry.objects.get(action="signup.requested")
    assert (entry.target_id, entry.actor_kind) == (str(row.pk), "anonymous")
    assert "hanna" not in repr([message.payload, entry.changes]).lower()
    assert not hasattr(entry, "personal")


@pytest.mark.django_db
def test_an_internationalised_name_is_stored_as_dns_writes_it() -> None:
    assert ask(subdomain="Möwe").subdomain == "xn--mwe-sna"


@pytest.mark.django_db
def test_two_may_wait_for_the_same_name_and_the_same_address() -> None:
    first, second = ask(), ask()
    assert first.pk != second.pk
    assert first.token_digest != second.token_digest


# -- refused ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"subdomain": "ab"}, ("subdomain", "too_short")),
        ({"subdomain": "a" * 41}, ("subdomain", "too_long")),
        ({"subdomain": "har bour"}, ("subdomain", "bad_characters")),
        ({"subdomain": "www"}, ("subdomain", "reserved")),
        ({"subdomain": "h\u0430rbour"}, ("subdomain", "mixed_script")),
        ({"admin_email": "hanna"}, ("admin_email", "invalid")),
        ({"admin_email": "hanna@harbour.example\nBcc: x@y.example"}, ("admin_email", "invalid")),
        ({"plan": "gold"}, ("plan", "unknown_plan")),
        ({"country": "XX"}, ("country", "unknown_country")),
        ({"language": "tlh"}, ("language", "unknown_language")),
        ({"time_zone": "Mars/Olympus"}, ("time_zone", "unknown_time_zone")),
        ({"time_zone": "../../etc/passwd"}, ("time_zone", "unknown_time_zone")),
        ({"library_name": "Win at http://evil.example"}, ("library_name", "links_not_allowed")),
        ({"admin_name": "Hanna \u202exx"}, ("admin_name", "bad_characters")),
        ({"password": "short"}, ("password", "password_too_short")),
        ({"password": "password123"}, ("password", "password_too_common")),
        ({"password": "hanna@harbour.example"}, ("password", "password_too_similar")),
        ({"password": "harbour-2026"}, ("password", "password_own_words")),
    ],
)
def test_one_wrong_value_is_named_and_nothing_is_stored(
    changes: dict[str, str], problem: tuple[str, str], snapshot: Callable[[], Any]
) -> None:
    before = snapshot()
    assert problem in refused(**changes)
    assert {field for field, _code in refused(**changes)} == {problem[0]}
    assert snapshot() == before


@pytest.mark.django_db
def test_all_problems_come_at_once(snapshot: Callable[[], Any]) -> None:
    before = snapshot()
    found = refused("short", subdomain="ab", admin_email="x", plan="gold", country="XX", time_zone="Z")
    assert {field for field, _code in found} == {
        "subdomain",
        "admin_email",
        "password",
        "plan",
        "country",
        "time_zone",
    }
    assert snapshot() == before


def test_a_taken_name_comes_with_free_ones(north: Any, snapshot: Callable[[], Any]) -> None:
    before = snapshot()
    with pytest.raises(ValidationFailed) as caught:
        ask(subdomain="North")
    error = caught.value
    assert [(problem.field, problem.code) for problem in error.errors] == [("subdomain", "taken")]
    suggested = error.extension_members["suggestions"]
    assert suggested
    assert suggested[0] in str(error.errors[0].detail)
    assert snapshot() == before
    assert ask(subdomain=suggested[0]).subdomain == suggested[0]


@pytest.mark.parametrize("wanted", ["nórth", "ɴorth", "nørth"])
def test_a_name_that_reads_like_a_taken_one_is_taken(
    north: Any, snapshot: Callable[[], Any], wanted: str
) -> None:
    before = snapshot()
    assert refused(subdomain=wanted) == [("subdomain", "taken")]
    assert snapshot() == before
    assert ask(subdomain=f"{wanted}-harbour").status == "pending_verification"


def test_the_name_of_a_closed_library_is_kept(north: Any) -> None:
    from shared_apps.tenants.models import Library

    Library.objects.filter(pk=north.id).update(status="closed")
    assert refused(subdomain="north") == [("subdomain", "recently_closed")]


# -- the mail --------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_mailed_link_holds_the_token_whose_digest_is_stored(settings: Any) -> None:
    settings.PUBLIC_URL = "https://libraryhub.example"
    row = ask(library_name="Harbour & Sons")
    assert relay() == 1
    (message,) = mail.outbox
    token = tokens.token_for(row.pk, row.token_nonce)
    link = f"https://libraryhub.example/signup/verify/?token={token}"
    assert message.to == ["hanna@harbour.example"]
    assert link in message.body
    assert "Harbour & Sons" in message.subject
    assert '"Harbour & Sons" at harbour.localhost' in message.body
    html = message.alternatives[0][0]
    assert f'href="{link}"' in html
    assert "Harbour &amp; Sons" in html
    assert message.extra_headers["Message-ID"] == f"<signup-{row.pk}@libraryhub.example>"
    assert relay() == 0


@pytest.mark.django_db
def test_the_mail_speaks_the_language_of_the_library() -> None:
    from django.utils import translation

    row = ask(language="it")
    seen: list[str | None] = []
    original = services.mails._message

    def spy(sign_up: SignUp) -> Any:
        seen.append(translation.get_language())
        return original(sign_up)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services.mails, "_message", spy)
        services.send_verification_mail(sign_up_id=row.pk)
    assert seen == ["it"]
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_a_second_delivery_sends_the_same_mail_again() -> None:
    row = ask()
    services.send_verification_mail(sign_up_id=row.pk)
    services.send_verification_mail(sign_up_id=row.pk)
    first, second = mail.outbox
    assert first.body == second.body
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["verified", "expired"])
def test_no_mail_for_a_link_that_cannot_be_used(status: str) -> None:
    row = ask()
    SignUp.objects.filter(pk=row.pk).update(status=status)
    services.send_verification_mail(sign_up_id=row.pk)
    SignUp.objects.filter(pk=row.pk).delete()
    services.send_verification_mail(sign_up_id=row.pk)
    assert mail.outbox == []


@pytest.mark.django_db
def test_a_mail_that_cannot_be_sent_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ask()

    def broken(*_: Any, **__: Any) -> int:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", broken)
        relay()
    message = OutboxMessage.objects.get()
    assert (message.delivered_at, message.attempts, message.last_error) == (None, 1, "ConnectionRefusedError")
    OutboxMessage.objects.update(available_at=clock.now())
    relay()
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_one_mailbox_cannot_be_flooded_and_nobody_sees_the_difference() -> None:
    rows = [
        ask(admin_email=f"{'Hanna' if n % 2 else 'hanna'}@harbour.example")
        for n in range(rules.MAILS_PER_ADDRESS + 5)
    ]
    assert {row.status for row in rows} == {"pending_verification"}
    assert OutboxMessage.objects.count() == rules.MAILS_PER_ADDRESS
    ask(admin_email="somebody.else@harbour.example")
    assert OutboxMessage.objects.count() == rules.MAILS_PER_ADDRESS + 1
    SignUp.objects.update(created_at=clock.now() - dt.timedelta(minutes=61))
    ask()
    assert OutboxMessage.objects.count() == rules.MAILS_PER_ADDRESS + 2
