"""Telling people by mail what has happened to their account; the texts are in `tasks`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from shared_apps.accounts.models import User
from shared_apps.delivery import services as delivery

KIND: Final = "accounts.notice"
NEW_DEVICE: Final = "new_device"
SESSION_STOLEN: Final = "session_stolen"
EMAIL_CHANGE_REQUESTED: Final = "email_change_requested"
IDENTITY_LINKED: Final = "identity_linked"
APPROVED: Final = "approved"
REFUSED: Final = "refused"
ACCOUNT_EXISTS: Final = "account_exists"
STILL_WAITING: Final = "still_waiting"


def publish(notice: str, *, user: User, now: datetime, **more: Any) -> None:
    """Have a notice mailed after the caller's transaction; `more` names rows, and holds nothing personal."""
    delivery.publish(kind=KIND, payload={"notice": notice, "user": user.pk, **more}, now=now)
