"""Log context: each line names the request, the library and the user that it belongs to."""

from __future__ import annotations

import re
import secrets
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

MAX_VALUE = 2_000
_REQUEST_ID = re.compile(r"\A[A-Za-z0-9._:-]{1,128}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SECRET_KEYS = re.compile(r"password|secret|token|authorization|cookie|api_?key|otp", re.IGNORECASE)


def start_log_context(sent_request_id: str = "") -> str:
    """Begin a request's or a task's context and return its id: the one sent, where it is well formed, or a new one."""
    clear_contextvars()
    identifier = sent_request_id if _REQUEST_ID.match(sent_request_id) else secrets.token_hex(16)
    bind_contextvars(request_id=identifier)
    return identifier


def bind_log_context(**values: Any) -> None:
    """Add values (library, user, task) to every following log line of this request or task."""
    bind_contextvars(**values)


def request_id() -> str:
    """Id of the current request or task; "" outside of both."""
    return str(get_contextvars().get("request_id", ""))


def mask_secrets(_logger: Any, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Processor: what is named like a secret never reaches a log (ASVS 16.2.5)."""
    for key in event:
        if _SECRET_KEYS.search(key):
            event[key] = "***"
    return event


def one_line(_logger: Any, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Processor: control characters are escaped and long values cut, so no input can forge a line (ASVS 16.4.1)."""
    for key, value in event.items():
        if isinstance(value, str) and key not in {"exception"}:
            text = value if len(value) <= MAX_VALUE else value[:MAX_VALUE] + "..."
            event[key] = _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text)
    return event
