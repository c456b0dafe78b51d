"""Beginning and ending visits, and what is noted of them; all of it in the library's own schema.

The first three are called by the kernel and by the platform's apps, through settings.VISITS.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction

from saas.core.api.visits import Visitor
from saas.core.errors import NotFound
from saas.core.principals import STAFF, Actor
from saas.core.security_events import Kind, security_event
from shared_apps.audit import services as audit
from shared_apps.delivery.services import publish
from tenant_apps.access import selectors as access_selectors
from tenant_apps.preferences import selectors as preferences
from tenant_apps.visits import rules, tokens
from tenant_apps.visits.errors import VisitNotAdmitted
from tenant_apps.visits.models import Visit

BEGAN_MAIL, ENDED, REQUESTED = "visits.began_mail", "visits.ended", "visits.requested"


def require_admitted(*, access: str) -> None:
    """Raise VisitNotAdmitted where the library's setting keeps visits of this access out."""
    if not rules.admits(preferences.value(rules.SETTING), access):
        raise VisitNotAdmitted


def begin_visit(
    *, visit_id: uuid.UUID, staff_name: str, reason: str, access: str, until: datetime, now: datetime
) -> str:
    """Let a member of the platform's staff in until `until` and return their token, which is stored nowhere.

    Every admin of the library is told by mail. Raises VisitNotAdmitted.
    """
    token = tokens.new_token()
    with transaction.atomic():
        require_admitted(access=access)
        visit = Visit(id=visit_id, staff_name=staff_name, reason=reason, access=access, started_at=now)
        visit.expires_at, visit.token_digest = until, tokens.digest(token)
        visit.save(force_insert=True)
        audit.record(
            action="visit.began",
            by=Actor(STAFF, label=staff_name),
            target=visit,
            changes={"access": access, "until": until.isoformat()},
            personal={"reason": reason},
            now=now,
        )
        # Not from where: the library knows of the visitor what is in the row, and no more.
        security_event(
            Kind.VISIT_STARTED, by=Actor(STAFF, label=staff_name), address="", access=access, now=now
        )
        for admin in access_selectors.admins():
            publish(kind=BEGAN_MAIL, payload={"visit": str(visit_id), "user": admin.pk}, now=now)
    return token


def end_visit(*, visit_id: uuid.UUID, ended_by: str, by: Actor, now: datetime) -> Visit:
    """End a visit before its time; its token is nothing from the next request on. One that is over stays as it is.

    `ended_by` is one of `rules` (BY_STAFF, BY_LIBRARY). Raises NotFound.
    """
    with transaction.atomic():
        visit = Visit.objects.select_for_update(no_key=True).filter(pk=visit_id).first()
        if visit is None:
            raise NotFound
        if visit.ended_at is not None or visit.expires_at <= now:
            return visit
        visit.ended_at, visit.ended_by = now, ended_by
        visit.save(update_fields=["ended_at", "ended_by"])
        audit.record(action="visit.ended", by=by, target=visit, changes={"by": ended_by}, now=now)
        address = "" if by.kind == STAFF else None
        security_event(Kind.VISIT_ENDED, by=by, address=address, ended_by=ended_by, now=now)
        publish(kind=ENDED, payload={"visit": str(visit_id)}, now=now)
    return visit


def record_request(*, visitor: Visitor, method: str, path: str, status: int, now: datetime) -> None:
    """Note a request of a visit here, and send the note to the platform's log; both or neither."""
    with transaction.atomic():
        entry = audit.record(
            action="visit.request",
            by=visitor.principal.actor,
            target=Visit(pk=visitor.visit),
            changes={"method": method, "path": path, "status": status},
            now=now,
        )
        publish(kind=REQUESTED, payload={"entry": entry.pk}, now=now)
