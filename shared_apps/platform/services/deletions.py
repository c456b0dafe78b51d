"""Deleting a closed library before its thirty days are over: one asks, another approves, then the erasure begins."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, cast

from django.db import transaction

from saas.core.db.integrity import refused_if_taken
from saas.core.errors import NotFound
from saas.core.principals import Actor
from saas.core.tenancy import in_public
from shared_apps.audit.services import record
from shared_apps.platform import rules
from shared_apps.platform.errors import DeletionDecided, DeletionPending, FourEyes
from shared_apps.platform.models import DeletionRequest
from shared_apps.tenants.services.erasure import begin_erasure
from shared_apps.tenants.services.lifecycle import locked_library, refused


def request_deletion(*, library_id: uuid.UUID, reason: str, by: Actor, now: datetime) -> DeletionRequest:
    """Ask for the deletion of a closed library; somebody else has DELETION_LIFETIME to approve it.

    Raises LibraryUnknown, InvalidTransition where it is not closed, and DeletionPending.
    """
    with in_public(), transaction.atomic():
        library = locked_library(library_id)
        if library.status != "closed" or library.erasing_since is not None:
            raise refused(library)
        pending = DeletionRequest.objects.filter(library=library, state=rules.PENDING)
        pending.filter(expires_at__lte=now).update(state=rules.EXPIRED)
        request = DeletionRequest(
            library=library,
            reason=reason,
            # Who holds a staff permission has an account here.
            requested_by_id=cast(int, by.user_id),
            requested_at=now,
            expires_at=now + rules.DELETION_LIFETIME,
        )
        with refused_if_taken(DeletionPending):
            request.save(force_insert=True)
        _note(request, "deletion.requested", by=by, now=now, personal={"reason": reason})
    return request


def approve_deletion(*, request_id: uuid.UUID, by: Actor, now: datetime) -> DeletionRequest:
    """Let the erasure begin, for which the next run of `tenants.erase_closed` does the work; there is no way back.

    Raises NotFound, FourEyes for whoever asked, DeletionDecided, and InvalidTransition where the library was restored
    since, also where it was closed again.
    """
    with in_public(), transaction.atomic():
        request, library = _locked(request_id, now)
        if request.requested_by_id == by.user_id:
            raise FourEyes
        if library.closed_at is None or library.closed_at > request.requested_at:
            raise refused(library)
        _decide(request, rules.APPROVED, by=by, now=now)
        begin_erasure(library_id=library.pk, by=by, now=now)
    return request


def reject_deletion(*, request_id: uuid.UUID, by: Actor, now: datetime) -> DeletionRequest:
    """Leave the library as it is; whoever asked may do that as well. Raises NotFound and DeletionDecided."""
    with in_public(), transaction.atomic():
        request, _library = _locked(request_id, now)
        _decide(request, rules.REJECTED, by=by, now=now)
    return request


def _locked(request_id: uuid.UUID, now: datetime) -> tuple[DeletionRequest, Any]:
    """The request, undecided, and its library's row, locked in the order that asking locks them: the library first."""
    rows = DeletionRequest.objects.filter(pk=request_id)
    library_id = rows.values_list("library_id", flat=True).first()
    if library_id is None:
        raise NotFound
    library = locked_library(library_id)
    request = rows.select_related("requested_by").select_for_update(no_key=True, of=("self",)).get()
    request.library = library
    state = rules.deletion_state(request.state, expires_at=request.expires_at, now=now)
    if state != rules.PENDING:
        raise DeletionDecided(state=state)
    return request, library


def _decide(request: DeletionRequest, state: str, *, by: Actor, now: datetime) -> None:
    request.state, request.decided_by_id, request.decided_at = state, by.user_id, now
    request.save(update_fields=["state", "decided_by", "decided_at"])
    _note(request, f"deletion.{state}", by=by, now=now)


def _note(
    request: DeletionRequest,
    action: str,
    *,
    by: Actor,
    now: datetime,
    personal: dict[str, str] | None = None,
) -> None:
    changes = {"library": str(request.library_id)}
    record(action=action, by=by, target=request, changes=changes, personal=personal, now=now)
