"""What happens to a library: each change with its lock, its audit entry and its event, in one transaction.

Repeating a command changes nothing and says nothing twice. What cannot follow the present status raises
InvalidTransition. All of it happens in the public schema; the caller's transaction, if any, must be there too.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from saas.core.principals import Actor
from saas.core.tenancy import in_public
from saas.core.tenancy.hosts import forget_hosts
from shared_apps.audit.services import record
from shared_apps.delivery.services import publish
from shared_apps.tenants import rules
from shared_apps.tenants.errors import InvalidTransition, LibraryUnknown
from shared_apps.tenants.models import Library, LibraryStatus
from shared_apps.tenants.rules import Command


def start_trial(*, library_id: uuid.UUID, reason: str, by: Actor, now: datetime) -> Library:
    """Open a new library for its trial."""
    return _change(Command.START_TRIAL, "library.trial_started", library_id, reason, by, now)


def activate_library(*, library_id: uuid.UUID, reason: str, by: Actor, now: datetime) -> Library:
    """Note that the library is paid for: past due and read-only end, a suspension stays."""
    return _change(Command.ACTIVATE, "library.activated", library_id, reason, by, now)


def mark_past_due(*, library_id: uuid.UUID, reason: str, by: Actor, now: datetime) -> Library:
    """Note that a payment is late; everything still works."""
    return _change(Command.MARK_PAST_DUE, "library.marked_past_due", library_id, reason, by, now)


def restrict_library(*, library_id: uuid.UUID, reason: str, by: Actor, now: datetime) -> Library:
    """Make the library read-only."""
    return _change(Command.RESTRICT, "library.restricted", library_id, reason, by, now)


def suspend_library(*, library_id: uuid.UUID, reason: str, by: Actor, now: datetime) -> Library:
    """Stop everything but signing in, paying and taking the data away."""
    return _change(Command.SUSPEND, "library.suspended", library_id, reason, by, now)


def resume_library(*, library_id: uuid.UUID, reason: str, by: Actor, now: datetime) -> Library:
    """Lift a suspension and a restriction: the library works again, as trialing, active or past due as it was."""
    return _change(Command.RESUME, "library.resumed", library_id, reason, by, now)


def close_library(*, library_id: uuid.UUID, reason: str, by: Actor, now: datetime) -> Library:
    """Close the library; its data are kept for settings.CLOSED_LIBRARY_DAYS, then erased."""
    return _change(Command.CLOSE, "library.closed", library_id, reason, by, now)


def restore_library(*, library_id: uuid.UUID, reason: str, by: Actor, now: datetime) -> Library:
    """Open a closed library again, as it was, suspended where it was suspended. Refused once its erasure has begun."""
    return _change(Command.RESTORE, "library.restored", library_id, reason, by, now)


def locked_library(library_id: uuid.UUID) -> Library:
    """The library's row, locked until the end of the caller's transaction. Raises LibraryUnknown."""
    # NO KEY: other tables' foreign keys to it may be checked meanwhile.
    library = Library.objects.select_for_update(no_key=True).filter(pk=library_id).first()
    if library is None:
        raise LibraryUnknown
    return library


def life_of(library: Library) -> rules.Life:
    """A row as the rules see it."""
    began = {
        rules.RESTRICTED: library.restricted_at,
        rules.SUSPENDED: library.suspended_at,
        rules.CLOSED: library.closed_at,
    }
    return rules.Life(
        status=library.status,
        standing=library.standing,
        holds={hold: moment for hold, moment in began.items() if moment is not None},
        is_being_erased=library.erasing_since is not None,
    )


def refused(library: Library) -> InvalidTransition:
    """The refusal of a command that cannot follow the library's status."""
    detail = _("This cannot be done: the library is %(status)s.") % {
        "status": LibraryStatus(library.status).label
    }
    return InvalidTransition(detail, library_status=library.status)


def note(
    library: Library, *, action: str, by: Actor, changes: dict[str, str], now: datetime, reason: str = ""
) -> None:
    """Write the audit entry and the event of a change, and tell all processes after the commit.

    The event's handler tells them again, for the case that Redis is away at that moment. A reason is free text that
    may name people.
    """
    personal = {"reason": reason} if reason else None
    record(action=action, by=by, target=library, changes=changes, personal=personal, now=now)
    publish(kind="library.changed", payload={"library_id": str(library.id), "action": action}, now=now)
    transaction.on_commit(forget_hosts)


def _change(
    command: Command, action: str, library_id: uuid.UUID, reason: str, by: Actor, now: datetime
) -> Library:
    with in_public(), transaction.atomic():
        library = locked_library(library_id)
        before = life_of(library)
        life = rules.after(before, command, now)
        if life is None:
            raise refused(library)
        if life == before:
            return library
        library.status, library.standing = life.status, life.standing
        library.restricted_at = life.holds.get(rules.RESTRICTED)
        library.suspended_at = life.holds.get(rules.SUSPENDED)
        library.closed_at = life.holds.get(rules.CLOSED)
        library.bump()
        library.save(  # type: ignore[no-untyped-call]
            update_fields=["status", "standing", "restricted_at", "suspended_at", "closed_at", "version"]
        )
        changes = {"from": before.status, "to": life.status}
        note(library, action=action, by=by, changes=changes, reason=reason, now=now)
    return library
