"""Log context: each line names the request, the library and the user that it belongs to."""

from __future__ import annotations

import functools
import json
import logging
import re
import secrets
from contextvars import ContextVar
from typing import Any

import orjson
import structlog

from saas.core import clock

MAX_VALUE = 2_000
_REQUEST_ID = re.compile(r"\A[A-Za-z0-9._:-]{1,128}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SECRET_KEYS = re.compile(r"password|secret|token|authorization|cookie|api_?key|otp", re.IGNORECASE)
# Replaced and never changed: a task or a thread that took it over keeps what it took.
_context: ContextVar[dict[str, Any]] = ContextVar("log_context", default={})  # noqa: B039
ACCESS = "libraryhub.access"
_access = logging.getLogger(ACCESS)


def start_log_context(sent_request_id: str = "") -> str:
    """Begin a request's or a task's context and return its id: the one sent, where it is well formed, or a new one."""
    identifier = sent_request_id if _REQUEST_ID.match(sent_request_id) else secrets.token_hex(16)
    _context.set({"request_id": identifier})
    return identifier


def bind_log_context(**values: Any) -> None:
    """Add values (library, user, task) to every following log line of this request or task."""
    _context.set({**_context.get(), **values})


def log_context() -> dict[str, Any]:
    """What every line of this request or task carries. Not to be changed."""
    return _context.get()


def request_id() -> str:
    """Id of the current request or task; "" outside of both."""
    return str(_context.get().get("request_id", ""))


def merge_log_context(
    _logger: Any, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Processor: adds the context; what the line says itself stays."""
    for key, value in _context.get().items():
        event.setdefault(key, value)
    return event


def mask_secrets(_logger: Any, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Processor: what is named like a secret never reaches a log (ASVS 16.2.5)."""
    for key in event:
        if _names_a_secret(key):
            event[key] = "***"
    return event


@functools.lru_cache(maxsize=1024)
def _names_a_secret(key: str) -> bool:
    return _SECRET_KEYS.search(key) is not None


def one_line(_logger: Any, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Processor: control characters are escaped and long values cut, so no input can forge a line (ASVS 16.4.1)."""
    for key, value in event.items():
        # (every character that is escaped is one that cannot be printed)
        if isinstance(value, str) and (len(value) > MAX_VALUE or not value.isprintable()):
            if key == "exception":
                continue
            text = value if len(value) <= MAX_VALUE else value[:MAX_VALUE] + "..."
            event[key] = _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text)
    return event


def write_access_line(**fields: Any) -> None:
    """Write the line of a request: the fields, the context, and what every line has.

    It says what `structlog` would say, without its passing a dozen functions on the way: the record arrives ready.
    """
    if not _access.isEnabledFor(logging.INFO):
        return
    event = {
        **fields,
        "event": "request",
        **_context.get(),
        "level": "info",
        "logger": ACCESS,
        "timestamp": clock.now().isoformat().replace("+00:00", "Z"),
    }
    one_line(None, "", mask_secrets(None, "", event))
    record = logging.LogRecord(ACCESS, logging.INFO, __file__, 0, event, None, None)
    # By these two structlog's formatter knows a record that needs no more work.
    record._logger, record._name = _access, "info"
    _access.handle(record)


class AccessFormatter(logging.Formatter):
    """Writes the record of a request as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, in UTF-8 where it can be."""
        try:
            return orjson.dumps(record.msg).decode()
        except TypeError:  # half of a surrogate pair, or a value of another type
            return json.dumps(record.msg, default=repr)
