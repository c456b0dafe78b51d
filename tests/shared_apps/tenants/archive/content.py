"""What the archived library of the tests holds: every kind of value, and all that is special about moving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from saas.core.principals import SYSTEM
from saas.core.tenancy import LibraryContext, in_library, in_public
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry
from shared_apps.audit.services import record
from shared_apps.delivery.models import IdempotentAnswer, OutboxMessage
from shared_apps.tenants.models import Domain
from tests.factories import NOW, BranchFactory, CardFactory, CopyFactory, LoanFactory, TitleFactory

AWKWARD = "tab \t line \n return \r back\\slash \\N \\. quote ' \" null? «ümlaut» 漢字 🐢 \u2028 end"
FILES = {
    "imports/one.mrc": bytes(range(256)) * 5_000,
    "imports/empty": b"",
    "covers/ä ö/深/cover.png": b"\x89PNG",
    "top": b"x" * 512,
}


def fill_every_corner(library: LibraryContext, media: Path) -> None:
    """Titles, copies, patrons, a loan, sessions, tokens, messages, answers, and text that tries COPY's escapes."""
    with in_library(library):
        BranchFactory(code="corner", name=AWKWARD[:80].replace("\n", " "))
        for _each in range(3):
            TitleFactory(title="The Turtle 漢字")
        CopyFactory()
        CardFactory()
        LoanFactory()
        record(action="thing.happened", by=SYSTEM, changes={"text": AWKWARD, "n": 1.5}, personal={"a": [1]})
        _fill_deliveries()
        user = User.objects.order_by("pk").first()
        Session.objects.create(session_key="s" * 32, session_data="live", expire_date=NOW)
        OutstandingToken.objects.create(user=user, jti="j" * 32, token="", expires_at=NOW)
        # Ids that were given and taken back: the next one must be as far at the other place.
        AuditEntry.objects.create(at=NOW, action="thing.undone", actor_kind="system").delete()
    with in_public(), transaction.atomic():
        Domain.objects.create(
            tenant_id=library.id, domain="books.east.example", token="t" * 32, created_at=NOW, proven_at=NOW
        )
    for name, content in FILES.items():
        path = media / library.schema_name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _fill_deliveries() -> None:
    moments: dict[str, Any] = {"created_at": NOW, "available_at": NOW}
    OutboxMessage.objects.create(kind="loan.created", payload={"loan": 1}, **moments)
    OutboxMessage.objects.create(kind="loan.created", delivered_at=NOW, dedupe_key="done", **moments)
    OutboxMessage.objects.create(kind="loan.created", parked_at=NOW, last_error="broken", **moments)
    IdempotentAnswer.objects.create(
        caller="user:1", key="k", fingerprint="f", body=b"\x00\xff\\\n", created_at=NOW, status=201
    )


def forget_public_rows() -> None:
    """Remove what the tests have written into the public schema."""
    with in_public(), transaction.atomic():
        Domain.objects.all().delete()
        AuditEntry.objects.filter(action__startswith="library.").delete()
        OutboxMessage.objects.all().delete()
