"""What an attack leaves behind, and what changes who may do what: one line in the log each time, a counter, a row.

`security_event` is called where it happens, by the kernel and by every app. The line and the counter come at once; what
is kept and who is told is decided by the function that SECURITY_RECORDER names (None: nothing is). A change is reported
inside its transaction, and its row shares its fate; a refusal is reported outside of what it rolls back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from saas.core import clock, metrics
from saas.core.api.throttling import address_subject
from saas.core.logging import mask_secrets, one_line
from saas.core.principals import ANONYMOUS, Actor

log = structlog.get_logger("libraryhub.security")
MAX_FACT = 200


class Kind(StrEnum):
    """Everything that is reported, by the name that it has in logs, counters and the API. Names never change."""

    SIGN_IN_REFUSED = "sign_in_refused"
    SIGN_IN_LIMITED = "sign_in_limited"
    NEW_DEVICE = "new_device"
    REFRESH_REUSED = "refresh_reused"
    TOKEN_REFUSED = "token_refused"
    FOREIGN_TOKEN = "foreign_token"
    CODE_REFUSED = "code_refused"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_CHANGE_REFUSED = "password_change_refused"
    PASSWORD_RESET_REFUSED = "password_reset_refused"
    EMAIL_CHANGED = "email_changed"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    PASSKEY_COPIED = "passkey_copied"
    IDENTITY_LINKED = "identity_linked"
    IDENTITY_REFUSED = "identity_refused"
    PERMISSION_DENIED = "permission_denied"
    CSRF_REFUSED = "csrf_refused"
    ROLE_GRANTED = "role_granted"
    ROLE_REVOKED = "role_revoked"
    ROLE_CHANGED = "role_changed"
    KEY_CREATED = "key_created"
    KEY_REVOKED = "key_revoked"
    KEY_REFUSED = "key_refused"
    VISIT_STARTED = "visit_started"
    VISIT_ENDED = "visit_ended"
    VISIT_REFUSED = "visit_refused"


# Somebody used a right that they have; everything else was refused and is a warning.
CHANGES = frozenset(
    {
        Kind.NEW_DEVICE,
        Kind.PASSWORD_CHANGED,
        Kind.EMAIL_CHANGED,
        Kind.FACTOR_ADDED,
        Kind.FACTOR_REMOVED,
        Kind.IDENTITY_LINKED,
        Kind.ROLE_GRANTED,
        Kind.ROLE_REVOKED,
        Kind.ROLE_CHANGED,
        Kind.KEY_CREATED,
        Kind.KEY_REVOKED,
        Kind.VISIT_STARTED,
        Kind.VISIT_ENDED,
    }
)


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One event. `user_id` is the account that it is about, `by` who acted, `address` where it came from ("": here)."""

    kind: Kind
    at: datetime
    user_id: int | None
    by: Actor
    address: str
    facts: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """Whose events are counted together, so that one attacker drowns nobody else: who acted, or from where."""
        if self.by.user_id is not None:
            return f"user:{self.by.user_id}"
        return self.address or self.by.label


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who answers for a site: SECURITY_CONTACTS names the function that lists them."""

    user_id: int
    email: str
    language: str


_source: ContextVar[HttpRequest | None] = ContextVar("security_event_source", default=None)


def source_is(request: HttpRequest) -> None:
    """Say which request this thread answers, so that an event knows where it came from."""
    _source.set(request)


def security_event(
    kind: Kind,
    *,
    user_id: int | None = None,
    by: Actor = ANONYMOUS,
    address: str | None = None,
    now: datetime | None = None,
    **facts: Any,
) -> None:
    """Report an event of the current site.

    `address` is as `throttling.address_subject` names it, by default the one of the request that is being answered.
    `facts` are codes, ids, numbers and names of roles, at most MAX_FACT characters each, and never a secret, a password
    or a token: what is named like one is masked. Raises what the database raises where the row cannot be written.
    """
    request = _source.get()
    if address is None:
        address = address_subject(request) if request is not None else ""
    address = str(_harmless({"address": address})["address"])
    event = SecurityEvent(kind, now or clock.now(), user_id, by, address, _harmless(facts))
    _log(event)
    metrics.count_security_event(kind.value)
    if settings.SECURITY_RECORDER is not None:
        cast("Callable[[SecurityEvent], None]", import_string(settings.SECURITY_RECORDER))(event)


def _log(event: SecurityEvent) -> None:
    who: dict[str, Any] = {"user_id": event.user_id, "address": event.address, "actor": event.by.kind}
    if event.by.user_id is not None:
        who["actor_user_id"] = event.by.user_id
    write = log.info if event.kind in CHANGES else log.warning
    write(event.kind.value, **{**event.facts, **who})


def _harmless(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts as they may be stored: secrets masked, texts cut and without control characters."""
    short = {name: _cut(value) for name, value in facts.items()}
    return dict(one_line(None, "", mask_secrets(None, "", short)))


def _cut(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(item) for item in list(value)[:20])[:MAX_FACT]
    return str(value)[:MAX_FACT]
