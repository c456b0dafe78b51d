"""What the catalogue forgets of an account that is erased."""

from __future__ import annotations

from datetime import datetime

from saas.core.principals import Actor
from tenant_apps.catalog.models import TitleShare


def erase_account(*, user_id: int, by: Actor, now: datetime) -> None:
    """Take back every title that was shared with an account that is being erased (setting ACCOUNT_ERASERS)."""
    TitleShare.objects.filter(user=user_id).delete()
