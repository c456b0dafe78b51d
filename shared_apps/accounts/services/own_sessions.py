"""Ending sessions from the list that their owner sees."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from saas.core.errors import NotFound
from saas.core.principals import Actor
from shared_apps.accounts import selectors
from shared_apps.accounts.models import User
from shared_apps.accounts.services.sessions import end_session
from shared_apps.audit import services as audit


def end_own_session(*, user_id: int, session_id: int, by: Actor, now: datetime) -> None:
    """End one of a user's open sessions, the one that asks too. Raises NotFound for one that is not theirs or over."""
    found = selectors.sessions_of(user_id).filter(pk=session_id).first()
    if found is None:
        raise NotFound
    end_session(session=found.sid, reason="ended_by_owner", by=by, now=now)


def end_other_sessions(*, user_id: int, keep: str | None, reason: str, by: Actor, now: datetime) -> int:
    """End every session of a user but the one with the id `keep`, at once; how many there were."""
    with transaction.atomic():
        others = selectors.sessions_of(user_id).exclude(sid=keep or "").values("sid")
        rows = OutstandingToken.objects.filter(user=user_id, jti__in=others)
        ended = [BlacklistedToken(token=row) for row in rows]
        BlacklistedToken.objects.bulk_create(ended, ignore_conflicts=True)
        changes = {"reason": reason, "sessions": len(ended)}
        audit.record(action="session.others_ended", target=User(pk=user_id), by=by, changes=changes, now=now)
    return len(ended)
