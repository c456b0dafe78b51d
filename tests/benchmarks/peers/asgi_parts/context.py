"""ASGI middleware around everything: request id, security headers, one line in the access log."""

from __future__ import annotations

import logging
import secrets
import sys
import time
from datetime import UTC, datetime
from typing import Any

import orjson

_SECURITY = {
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Accept, Accept-Language, Origin",
}
HEADERS = [(name.lower().encode(), value.encode()) for name, value in _SECURITY.items()]
access_log = logging.getLogger("access")
access_log.addHandler(logging.StreamHandler(sys.stdout))
access_log.setLevel(logging.INFO)
access_log.propagate = False


class RequestContext:
    """Gives each request its id, in `scope["state"]`, and writes down how it was answered."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer as the application does, with more headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["request_id"] = identifier = secrets.token_hex(16)
        started = time.perf_counter()

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                state["status"] = message["status"]
                limits = state.get("rate_limit_headers", ())
                message["headers"] = [
                    *message["headers"],
                    *HEADERS,
                    *limits,
                    (b"x-request-id", identifier.encode()),
                ]
            await send(message)

        try:
            await self.app(scope, receive, with_headers)
        finally:
            line = {
                "timestamp": datetime.now(UTC),
                "level": "info",
                "event": "request",
                "request_id": identifier,
                "library": state.get("library"),
                "user": state.get("user_id"),
                "method": scope["method"],
                "path": scope["path"],
                "status": state.get("status", 500),
                "milliseconds": round((time.perf_counter() - started) * 1000, 1),
            }
            access_log.info(orjson.dumps(line).decode())
