"""Keeping security events, within limits, and telling the admins of what matters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import cast

from django.conf import settings
from django.db.models import F, Q
from django.utils.module_loading import import_string

from saas.core.api import limiter
from saas.core.api.limiter import Charge, Policy
from saas.core.db.inserts import insert
from saas.core.logging import request_id
from saas.core.security_events import Contact, Kind
from saas.core.security_events import SecurityEvent as Event
from saas.core.tenancy import current_library_or_none, current_schema
from shared_apps.delivery.services import publish
from shared_apps.security import rules
from shared_apps.security.models import SecurityEvent

ALERT = "security.alert"


def record(event: Event) -> None:
    """SECURITY_RECORDER: keep the event in the current schema and, where it matters, have the admins mailed.

    An attacker fills no table: rules.PER_SUBJECT and rules.PER_KIND rows an hour, and one row for each limit with the
    number of what came after it. Two statements at most, four for the first event after a limit.
    """
    _keep(event)
    if _matters(event):
        payload = {"kind": event.kind.value, "at": event.at.isoformat()}
        publish(kind=ALERT, payload=payload, dedupe_key=rules.alert_key(event), now=event.at)


def contacts() -> list[Contact]:
    """Who answers for the current site: the active admins of a library, the owners of the platform."""
    site = "library" if current_library_or_none() else "public"
    return cast("Callable[[], list[Contact]]", import_string(settings.SECURITY_CONTACTS[site]))()


def purge(*, now: datetime) -> int:
    """Delete the current schema's events that are past their time; how many rows."""
    deleted, _by_model = SecurityEvent.objects.filter(at__lt=now - rules.KEEP).delete()
    return deleted


def forget_person(*, user_id: int) -> int:
    """Take addresses, labels and facts out of the events of a person who is erased; how many rows."""
    theirs = Q(user_id=user_id) | Q(actor_user_id=user_id)
    return SecurityEvent.objects.filter(theirs).update(address="", actor_label="", facts={})


def _keep(event: Event) -> None:
    subject = limiter.digest(event.subject)
    outcome = limiter.consume(
        [
            _charge(rules.PER_SUBJECT, f"{event.kind.value}:{subject}"),
            _charge(rules.PER_KIND, event.kind.value),
        ]
    )
    if outcome.allowed:
        insert(_row(event))
        return
    kind_is_full = outcome.states[1].remaining == 0
    name = rules.bucket(event, subject="" if kind_is_full else subject)
    if _counted(name, event.at):
        return
    first = _row(event)
    first.bucket, first.count, first.facts = name, 0, {}
    if kind_is_full:
        first.user_id, first.actor_user_id, first.actor_label, first.address = None, None, "", ""
    SecurityEvent.objects.bulk_create([first], ignore_conflicts=True)
    _counted(name, event.at)


def _counted(bucket: str, now: datetime) -> bool:
    return bool(SecurityEvent.objects.filter(bucket=bucket).update(count=F("count") + 1, last_at=now))


def _row(event: Event) -> SecurityEvent:
    return SecurityEvent(
        at=event.at,
        last_at=event.at,
        kind=event.kind.value,
        user_id=event.user_id,
        actor_kind=event.by.kind,
        actor_user_id=event.by.user_id,
        actor_label=event.by.label[:200],
        address=event.address[:64],
        request_id=request_id(),
        facts=dict(event.facts),
    )


def _matters(event: Event) -> bool:
    if event.kind == Kind.SIGN_IN_REFUSED:
        burst = limiter.consume([_charge(rules.BURST, event.kind.value)])
        return not burst.allowed or burst.states[0].remaining == 0
    if event.kind == Kind.SIGN_IN_LIMITED:
        return event.user_id is not None and event.user_id in {contact.user_id for contact in contacts()}
    return rules.always_matters(event)


def _charge(policy: Policy, name: str) -> Charge:
    return Charge(policy, f"{current_schema()}:{policy.name}:{name}")
