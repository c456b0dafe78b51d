"""Sign-up's background work."""

from __future__ import annotations

import uuid
from typing import Any

from saas.core import clock
from saas.core.tasks import public_task
from shared_apps.delivery.services import handles
from shared_apps.signup import services
from shared_apps.signup.services.requests import VERIFICATION_MAIL


@public_task(name="signup.expire")
def expire() -> None:
    """Mark links past their time and empty old personal values; every hour."""
    services.expire_sign_ups(now=clock.now())


@handles(VERIFICATION_MAIL)
def mail_link(payload: dict[str, Any]) -> None:
    """Mail the link of the sign-up that the message names."""
    services.send_verification_mail(sign_up_id=uuid.UUID(payload["sign_up_id"]))
