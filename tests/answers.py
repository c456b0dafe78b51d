"""Comparing answers: two that tell a caller the same thing are equal here, to the byte."""

from __future__ import annotations

import re
from typing import Any

_NONCE = re.compile(rb'nonce="[^"]*"|(?:csrfmiddlewaretoken|form_id)" value="[^"]*"')
_HEADER_NONCE = re.compile(r"'nonce-[^']*'")
_DIFFERS = {"X-Request-ID", "Set-Cookie"}


def told(answer: Any, *, hide: str = "") -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers without what differs in every answer; `hide` is a value that the caller sent."""
    body = bytes(answer.content).replace(answer["X-Request-ID"].encode(), b"ID")
    body = _NONCE.sub(b"nonce", body)
    if hide:
        body = body.replace(hide.encode(), b"SENT")
    headers = {
        name: _HEADER_NONCE.sub("nonce", value) for name, value in answer.items() if name not in _DIFFERS
    }
    headers.pop("Content-Length", None)
    return answer.status_code, body, headers
