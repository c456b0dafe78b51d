"""What state a copy is in. Computed from its flags and its open loan, never stored as one value
(domain.md).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class CopyStatus(StrEnum):
    """The one word for a copy that clients see."""

    AVAILABLE = "available"
    ON_LOAN = "on_loan"
    NOT_FOR_LOAN = "not_for_loan"
    DAMAGED = "damaged"
    LOST = "lost"
    WITHDRAWN = "withdrawn"


STATUS_WORDS: dict[CopyStatus, Promise] = {
    CopyStatus.AVAILABLE: _("on the shelf"),
    CopyStatus.ON_LOAN: _("on loan"),
    CopyStatus.NOT_FOR_LOAN: _("for use in the library"),
    CopyStatus.DAMAGED: _("damaged"),
    CopyStatus.LOST: _("lost"),
    CopyStatus.WITHDRAWN: _("withdrawn"),
}


class HasFlags(Protocol):
    """What a copy's state is computed from, besides its open loan."""

    withdrawn_at: datetime | None
    lost_at: datetime | None
    damaged_at: datetime | None
    not_for_loan: bool


def status_of(copy: HasFlags, *, on_loan: bool) -> CopyStatus:
    """The status shown where several hold: what keeps a copy away longest comes first."""
    if copy.withdrawn_at is not None:
        return CopyStatus.WITHDRAWN
    if copy.lost_at is not None:
        return CopyStatus.LOST
    if on_loan:
        return CopyStatus.ON_LOAN
    if copy.damaged_at is not None:
        return CopyStatus.DAMAGED
    return CopyStatus.NOT_FOR_LOAN if copy.not_for_loan else CopyStatus.AVAILABLE
