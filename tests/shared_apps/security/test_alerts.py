"""The admins of a library are mailed what matters: they alone, and once for a kind and an hour."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import mail

from saas.core.principals import ANONYMOUS, SYSTEM, Actor
from saas.core.security_events import CHANGES, Kind, security_event
from saas.core.tenancy import in_library, in_public
from shared_apps.accounts.models import User
from shared_apps.delivery.services import relay
from shared_apps.security import rules
from tests.factories import NOW

pytestmark = pytest.mark.django_db
ADMIN = "admin@north.example"
PERSON = Actor("person", 1)


@pytest.fixture(autouse=True)
def _nothing_mailed_before() -> None:
    mail.outbox.clear()


def event(kind: Kind, *, address: str = "address:192.0.2.1", now: dt.datetime = NOW, **more: Any) -> None:
    security_event(kind, address=address, now=now, **more)


def mailed() -> list[str]:
    """Deliver what waits in the current schema; who was mailed, in order."""
    mail.outbox.clear()
    relay()
    return [address for message in mail.outbox for address in message.to]


def user_id(name: str) -> int:
    return int(User.objects.get(email=f"{name}@north.example").pk)


def test_a_reused_token_is_told_to_the_admins_alone(in_north: Any) -> None:
    event(Kind.REFRESH_REUSED, user_id=user_id("reader"), session="s-1")
    assert mailed() == [ADMIN]
    (message,) = mail.outbox
    assert message.subject.startswith("Security at North Library: ")
    assert "192.0.2.1" in message.body
    assert f"account {user_id('reader')}" in message.body
    assert "\n" not in message.subject


def test_only_the_library_where_it_happened_is_told(north: Any, south: Any) -> None:
    with in_library(north):
        event(Kind.REFRESH_REUSED, user_id=1)
    with in_library(south):
        assert mailed() == []
    with in_public():
        assert mailed() == []
    with in_library(north):
        assert mailed() == [ADMIN]


def test_more_of_the_same_within_the_hour_is_one_mail(in_north: Any) -> None:
    for minute in range(3):
        event(Kind.REFRESH_REUSED, user_id=minute, now=NOW.replace(minute=minute))
    assert mailed() == [ADMIN]
    event(Kind.REFRESH_REUSED, user_id=9, now=NOW.replace(minute=50))
    assert mailed() == []
    event(Kind.REFRESH_REUSED, user_id=9, now=NOW + dt.timedelta(hours=2))
    assert mailed() == [ADMIN]


def test_another_kind_is_another_mail(in_north: Any) -> None:
    event(Kind.REFRESH_REUSED)
    event(Kind.ROLE_GRANTED, by=PERSON, role="admin")
    assert mailed() == [ADMIN, ADMIN]


@pytest.mark.parametrize(("name", "told"), [("admin", [ADMIN]), ("reader", [])])
def test_a_lock_out_is_told_where_it_is_an_admins(in_north: Any, name: str, told: list[str]) -> None:
    event(Kind.SIGN_IN_LIMITED, user_id=user_id(name), policies=["login-account"])
    assert mailed() == told


def test_a_lock_out_of_nobody_is_told_to_nobody(in_north: Any) -> None:
    event(Kind.SIGN_IN_LIMITED, policies=["login-address"])
    assert mailed() == []


def test_failed_sign_ins_are_told_when_they_are_many(in_north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "BURST", rules.Policy("security-burst", 5, rules.HOUR))
    for number in range(4):
        event(Kind.SIGN_IN_REFUSED, address=f"address:192.0.2.{number}", reason="invalid_credentials")
    assert mailed() == []
    for number in range(4, 9):
        event(Kind.SIGN_IN_REFUSED, address=f"address:192.0.2.{number}", reason="invalid_credentials")
    assert mailed() == [ADMIN]
    assert "Within the last hour: 9." in mail.outbox[0].body
    assert mail.outbox[0].body.count("192.0.2.") == 5


@pytest.mark.parametrize(
    ("facts", "by", "told"),
    [
        ({"role": "admin"}, PERSON, [ADMIN]),
        ({"role": "librarian"}, PERSON, []),
        # How a new library begins.
        ({"role": "admin"}, SYSTEM, []),
    ],
)
def test_the_role_of_an_admin_is_told(in_north: Any, facts: Any, by: Actor, told: list[str]) -> None:
    event(Kind.ROLE_GRANTED, by=by, user_id=2, **facts)
    assert mailed() == told


@pytest.mark.parametrize(("wide", "told"), [(True, [ADMIN]), (False, [])])
def test_a_key_with_wide_rights_is_told(in_north: Any, wide: bool, told: list[str]) -> None:
    event(Kind.KEY_CREATED, by=PERSON, prefix="lh_abc", wide=wide)
    assert mailed() == told


def test_everything_else_is_told_to_nobody(in_north: Any) -> None:
    for kind in set(Kind) - set(rules.TITLES):
        event(kind, user_id=user_id("admin"), by=ANONYMOUS if kind not in CHANGES else PERSON)
    assert mailed() == []


def test_inactive_admins_are_not_mailed(in_north: Any) -> None:
    User.objects.filter(email=ADMIN).update(is_active=False)
    event(Kind.REFRESH_REUSED)
    assert mailed() == []


def test_a_mail_holds_no_forged_lines(in_north: Any) -> None:
    event(Kind.REFRESH_REUSED, address="address:192.0.2.1\r\nBcc: all@evil.example", session="x\r\ny")
    assert mailed() == [ADMIN]
    (message,) = mail.outbox
    assert message.recipients() == [ADMIN]
    assert "\nBcc:" not in message.body


def test_what_is_rolled_back_is_told_to_nobody(in_north: Any) -> None:
    from django.db import transaction

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        event(Kind.ROLE_GRANTED, by=PERSON, role="admin")
        raise ZeroDivisionError
    assert mailed() == []
