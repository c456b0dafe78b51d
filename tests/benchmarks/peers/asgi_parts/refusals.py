"""Refusals with a code that clients decide by."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A refusal: its code and its status."""

    def __init__(self, code: str, status: int = 409) -> None:
        super().__init__(code)
        self.code, self.status = code, status


def problem(refused: Refused, request_id: str) -> dict[str, Any]:
    """The problem document (RFC 9457)."""
    title = refused.code.replace("_", " ").capitalize()
    return {
        "type": f"/api/problems/{refused.code}/",
        "title": title,
        "status": refused.status,
        "detail": f"{title}.",
        "code": refused.code,
        "request_id": request_id,
    }
