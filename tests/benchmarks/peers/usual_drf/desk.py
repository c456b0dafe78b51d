"""Checkout and return: row locks, the rules, the audit entry, and a task after the commit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from celery import Celery
from django.db import connection, transaction
from django.utils import timezone

from saas.settings.tasks import broker_url
from shared_apps.audit.models import AuditEntry
from tenant_apps.branches.models import Branch
from tenant_apps.catalog.models import Copy
from tenant_apps.circulation.models import Loan
from tenant_apps.patrons.models import Card, Patron
from tests.benchmarks.peers.usual_drf.errors import Refused
from tests.benchmarks.peers.usual_drf.loan_rules import due_at, terms
from tests.benchmarks.requests.broker import environment_redis, transport_options

celery = Celery("usual_drf", broker=broker_url(environment_redis()))
celery.conf.broker_transport_options = transport_options()
celery.conf.task_ignore_result = True


@celery.task(name="loan_changed")
def loan_changed(loan: int, schema: str) -> None:
    """What follows a loan (notices, webhooks) would begin here; nothing consumes this queue."""


@transaction.atomic
def check_out(*, copy_barcode: str, card_number: str, branch: Branch, user: Any, confirm: list[str]) -> Loan:
    """Lend a copy. Raises Refused."""
    copy = locked_copy(copy_barcode)
    card = Card.objects.filter(number=card_number).first()
    if card is None:
        raise Refused("unknown_card", 404)
    patron = Patron.objects.select_for_update(of=("self",)).select_related("category").get(pk=card.patron_id)
    check_copy(copy)
    now = timezone.now()
    check_patron(patron, card, branch, now)
    days, decided = terms(copy, patron, branch)
    if copy.damaged_at is not None and "copy_damaged" not in confirm:
        raise Refused("confirmation_required")
    loan = Loan.objects.create(
        copy=copy,
        patron=patron,
        card_number=card_number,
        branch=branch,
        checked_out_at=now,
        checked_out_by=user,
        due_at=due_at(now, days, branch.time_zone),
        rules=decided,
    )
    place(copy, branch)
    changes = {"copy": str(copy.pk), "patron": str(patron.pk), "due_at": loan.due_at.isoformat()}
    record("loan.created", loan, user, {**changes, "branch": branch.code, "confirmed": confirm})
    return loan


@transaction.atomic
def take_back(
    *, copy_barcode: str, branch: Branch, user: Any, effective_at: datetime | None = None
) -> tuple[Loan | None, str, dict[str, str] | None, list[str]]:
    """Take a copy back: its loan, what to do with it, the way to take, and codes of messages. Raises Refused."""
    copy = locked_copy(copy_barcode)
    loan = Loan.objects.filter(copy=copy, returned_at=None).select_related("branch").first()
    if loan is None and copy.withdrawn_at is not None:
        raise Refused("copy_withdrawn")
    home_here, was_here = copy.home_branch_id == branch.pk, copy.current_branch_id == branch.pk
    messages = [] if loan is not None else ["not_on_loan"]
    way = None
    if home_here:
        action = "in_house_use" if loan is None and was_here else "shelve"
    else:
        action, way = "transfer", {"from_branch": branch.code, "to_branch": copy.home_branch.code}
        messages.append("transfer_needed")
    if loan is not None:
        loan.returned_at = timezone.now()
        loan.effective_return_at = effective_at or loan.returned_at
        loan.return_branch = branch
        loan.returned_by = user
        loan.version += 1
        loan.save()
        # The answer shows the title, which came with the copy.
        loan.copy = copy
    place(copy, branch)
    record(
        "loan.returned", loan or copy, user, {"copy": str(copy.pk), "branch": branch.code, "action": action}
    )
    return loan, action, way, messages


def locked_copy(barcode: str) -> Copy:
    """The copy, locked, with what the answer shows of it. Raises Refused."""
    copies = Copy.objects.select_for_update(of=("self",)).select_related("item_type", "home_branch", "title")
    copy = copies.defer("title__marc", "title__search", "title__title_search").filter(barcode=barcode).first()
    if copy is None:
        raise Refused("unknown_barcode", 404)
    return copy


def check_copy(copy: Copy) -> None:
    """Raise Refused for a copy that cannot be lent."""
    if copy.withdrawn_at is not None:
        raise Refused("copy_withdrawn")
    if Loan.objects.filter(copy=copy, returned_at=None).exists():
        raise Refused("copy_on_loan")
    if copy.lost_at is not None:
        raise Refused("copy_lost")
    if copy.not_for_loan:
        raise Refused("copy_not_for_loan")


def check_patron(patron: Patron, card: Card, branch: Branch, now: datetime) -> None:
    """Raise Refused for a patron who may not borrow."""
    if card.lost_at is not None:
        raise Refused("patron_blocked")
    today = timezone.localdate(now, timezone=zone_of(branch))
    if patron.expires_on is not None and patron.expires_on < today:
        raise Refused("patron_expired")


def zone_of(branch: Branch) -> Any:
    """The branch's time zone."""
    from zoneinfo import ZoneInfo

    return ZoneInfo(branch.time_zone)


def place(copy: Copy, branch: Branch) -> None:
    """Note where the copy is."""
    if copy.current_branch_id != branch.pk or copy.lost_at is not None:
        copy.current_branch = branch
        copy.lost_at = None
        copy.version += 1
        copy.save(update_fields=["current_branch", "lost_at", "version"])


def record(action: str, target: Loan | Copy, user: Any, changes: dict[str, Any]) -> None:
    """The audit entry, and the task that follows the commit."""
    AuditEntry.objects.create(
        at=timezone.now(),
        action=action,
        target_type=target._meta.label_lower,
        target_id=str(target.pk),
        actor_kind="person",
        actor_user_id=user.pk,
        changes=changes,
    )
    schema = getattr(connection, "schema_name", "")
    transaction.on_commit(lambda: loan_changed.delay(target.pk, schema))
