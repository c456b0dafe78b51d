"""Visiting a library: the platform's side. The library has its own (tenant_apps.visits), in another transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.db import transaction

from saas.core.errors import NotFound, PermissionDenied
from saas.core.principals import STAFF, SYSTEM, Actor, Principal
from saas.core.tenancy import LibraryContext, in_library, in_public
from shared_apps.audit import selectors as audit
from shared_apps.audit.services import record
from shared_apps.platform import ports
from shared_apps.platform.errors import LibraryNotOpen
from shared_apps.platform.models import Visit
from shared_apps.platform.rules import VISIT
from shared_apps.platform.selectors import load_principal
from shared_apps.tenants.errors import LibraryUnknown
from shared_apps.tenants.selectors import context_of, find_library_by_id, library_row

VISITS_TO_END = "platform.visits_to_end"
# What a library is told of staff without a name: their address is not its to know.
NAMELESS = "platform staff"


@dataclass(frozen=True, slots=True)
class BegunVisit:
    """A visit and the token that opens its library; the token is nowhere else."""

    visit: Visit
    library: LibraryContext
    token: str


def begin_visit(
    *, library_id: uuid.UUID, staff: Principal, reason: str, minutes: int, access: str, now: datetime
) -> BegunVisit:
    """Let a member of staff into an open library for 1 to MAX_VISIT_MINUTES minutes.

    Raises LibraryUnknown, LibraryNotOpen, and 403 visit_not_admitted where the library's setting keeps such visits
    out; nothing is written then. Raises PermissionDenied where the visit was ended, or the visitor lost the right to
    visit, while it began; nobody has its token then.
    """
    library = find_library_by_id(library_id)
    if library is None:
        raise LibraryUnknown
    if not library.is_open:
        raise LibraryNotOpen
    with in_library(library):
        ports.require_visit_admitted(access=access)
    until = now + timedelta(minutes=minutes)
    with in_public(), transaction.atomic():
        visit = Visit.objects.create(
            library_id=library.id,
            # Who holds a staff permission has an account here.
            staff_id=cast(int, staff.user_id),
            reason=reason,
            access=access,
            started_at=now,
            expires_at=until,
        )
        changes = {"library": str(library.id), "access": access, "until": until.isoformat()}
        record(
            action="visit.began",
            by=staff.actor,
            target=visit,
            changes=changes,
            personal={"reason": reason},
            now=now,
        )
    # Killed here, the platform knows of a visit whose token nobody has; the other way round it would not know of one.
    with in_library(library):
        token = ports.begin_visit_in_library(
            visit_id=visit.pk,
            staff_name=staff.name or NAMELESS,
            reason=reason,
            access=access,
            until=until,
            now=now,
        )
    _require_still_wanted(visit, staff, now=now)
    return BegunVisit(visit, library, token)


def end_visit(*, visit_id: uuid.UUID, by: Actor, now: datetime) -> Visit:
    """End a visit before its time, first where its token counts. Repeated, it changes nothing. Raises NotFound."""
    with in_public():
        visit = Visit.objects.select_related("library", "staff").filter(pk=visit_id).first()
    if visit is None:
        raise NotFound
    if visit.ended_at is None and visit.expires_at > now:
        is_known = _end_in_library(visit, by=by, now=now)
        note_end(visit_id=visit_id, ended_by="staff", by=by, now=now)
        if not is_known:
            # Its beginning was cut short, or goes on: then either this finds it there, or `begin_visit` the note here.
            _end_in_library(visit, by=by, now=now)
        visit.ended_at, visit.ended_by = now, "staff"
    return visit


def end_visits_of(*, user_id: int, by: Actor, now: datetime) -> None:
    """End every visit of a member of staff who may visit no more; may run twice."""
    with in_public():
        going_on = Visit.objects.filter(staff=user_id, ended_at=None, expires_at__gt=now)
        ids = list(going_on.values_list("pk", flat=True))
    for visit_id in ids:
        end_visit(visit_id=visit_id, by=by, now=now)


def note_end(*, visit_id: uuid.UUID, ended_by: str, by: Actor | None = None, now: datetime) -> None:
    """Note that a visit has ended, by `by` or, without one, in the library; what is noted already stays."""
    with in_public(), transaction.atomic():
        visit = Visit.objects.select_for_update(no_key=True).filter(pk=visit_id, ended_at=None).first()
        if visit is None:
            return
        visit.ended_at, visit.ended_by = now, ended_by
        visit.save(update_fields=["ended_at", "ended_by"])
        changes = {"library": str(visit.library_id), "by": ended_by}
        # People of a library have no account here, and their names stay there.
        actor = by or Actor("person", label=ended_by)
        record(action="visit.ended", by=actor, target=visit, changes=changes, now=now)


def note_request(
    *, visit_id: uuid.UUID, entry_id: int, changes: Mapping[str, Any], caused_by: str, now: datetime
) -> None:
    """Copy the library's entry of a visitor's request into the platform's log, once however often it is called."""
    with in_public(), transaction.atomic():
        # The lock makes a second delivery wait, and then find the first one's entry.
        rows = Visit.objects.select_for_update(no_key=True, of=("self",)).select_related("staff")
        visit = rows.get(pk=visit_id)
        known = audit.entries().filter(target_type=Visit._meta.label_lower, target_id=str(visit_id))
        if known.filter(changes__entry=entry_id).exists():
            return
        record(
            action="visit.request",
            by=Actor(STAFF, user_id=visit.staff_id, label=visit.staff.get_full_name()),
            target=visit,
            changes={**changes, "library": str(visit.library_id), "entry": entry_id},
            caused_by=caused_by,
            now=now,
        )


def _require_still_wanted(visit: Visit, staff: Principal, *, now: datetime) -> None:
    """Raise PermissionDenied, and end the visit, where it was ended or its visitor dismissed since the request came."""
    may_visit = load_principal(staff.user_id).may(VISIT)
    with in_public():
        is_ended = Visit.objects.filter(pk=visit.pk, ended_at__isnull=False).exists()
    if is_ended or not may_visit:
        _end_in_library(visit, by=SYSTEM, now=now)
        note_end(visit_id=visit.pk, ended_by="staff", by=SYSTEM, now=now)
        raise PermissionDenied


def _end_in_library(visit: Visit, *, by: Actor, now: datetime) -> bool:
    """Make the visit's token worthless; False where its library has no row of it (yet), and so no token."""
    library = library_row(visit.library_id)
    # Also in one that is suspended or closed at the moment: it may be open again before the visit's time is over.
    if library is None or library.erasing_since is not None:
        return True
    try:
        with in_library(context_of(library)):
            ports.end_visit_in_library(visit_id=visit.pk, by=_seen_by_library(by, visit), now=now)
    except NotFound:
        return False
    return True


def _seen_by_library(by: Actor, visit: Visit) -> Actor:
    """How the library's log names who ended a visit: a user id of the platform would be somebody else's there."""
    own = by.user_id == visit.staff_id
    return Actor(STAFF, label=(visit.staff.name if own else "") or NAMELESS)
