"""The mail of an invitation, sent from the outbox, and the end of what is kept of one."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import mail

from saas.core import clock
from saas.core.tenancy import in_library
from tenant_apps.access.models import Role
from tenant_apps.members.models import Invitation
from tenant_apps.members.rules import KEEP, TokenLostError
from tenant_apps.members.services import purge_invitations
from tenant_apps.members.tasks import purge_invitations as purge_everywhere
from tenant_apps.members.tasks import send_invitation
from tests import factories

pytestmark = pytest.mark.django_db


def test_the_mail_may_be_sent_twice_and_is_the_same(in_north: Any) -> None:
    row = factories.InvitationFactory()
    for _twice in range(2):
        send_invitation({"invitation": row.pk})
    first, second = mail.outbox
    assert first.to == [row.email]
    assert (first.subject, first.body) == (second.subject, second.body)
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]
    assert "http://north.localhost" in first.body


@pytest.mark.parametrize(
    "end",
    [
        {"accepted_at": dt.datetime(2026, 11, 1, tzinfo=dt.UTC)},
        {"revoked_at": dt.datetime(2026, 11, 1, tzinfo=dt.UTC)},
        {"expires_at": dt.datetime(2026, 11, 1, tzinfo=dt.UTC)},
    ],
    ids=lambda end: next(iter(end)),
)
def test_what_is_over_is_not_mailed(in_north: Any, end: dict[str, Any]) -> None:
    row, other = factories.InvitationFactory(**end), factories.InvitationFactory()
    for one in (row.pk, 4_611_686_018_427_387_904, other.pk):
        send_invitation({"invitation": one})
    assert [letter.to for letter in mail.outbox] == [[other.email]]


def test_a_link_that_cannot_be_made_again_stays_in_the_outbox(in_north: Any) -> None:
    row = factories.InvitationFactory()
    Invitation.objects.filter(pk=row.pk).update(token_digest="0" * 64)
    with pytest.raises(TokenLostError):
        send_invitation({"invitation": row.pk})
    assert mail.outbox == []


def test_names_cannot_write_headers(in_north: Any) -> None:
    role = Role.objects.get(code="reader")
    Role.objects.filter(pk=role.pk).update(name="Reader\r\nBcc: all@people.example")
    send_invitation({"invitation": factories.InvitationFactory().pk})
    (letter,) = mail.outbox
    assert letter.message()["Bcc"] is None
    assert "\n" not in letter.subject


def test_an_invitation_is_forgotten_ninety_days_after_its_end(north: Any, south: Any) -> None:
    now = clock.now()
    for library in (north, south):
        with in_library(library):
            factories.InvitationFactory(expires_at=now - KEEP - dt.timedelta(seconds=1))
            factories.InvitationFactory(expires_at=now - KEEP + dt.timedelta(hours=1))
    with in_library(north):
        assert purge_invitations(now=now) == 1
        assert Invitation.objects.count() == 1
    purge_everywhere()
    for library in (north, south):
        with in_library(library):
            assert Invitation.objects.count() == 1
