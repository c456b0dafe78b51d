"""What staff does, and what libraries tell the platform."""

from shared_apps.platform.services.deletions import (
    approve_deletion,
    reject_deletion,
    request_deletion,
)
from shared_apps.platform.services.staff import deactivate_staff, invite_staff, set_staff_roles
from shared_apps.platform.services.visits import begin_visit, end_visit, end_visits_of, note_end, note_request

__all__ = [
    "approve_deletion",
    "begin_visit",
    "deactivate_staff",
    "end_visit",
    "end_visits_of",
    "invite_staff",
    "note_end",
    "note_request",
    "reject_deletion",
    "request_deletion",
    "set_staff_roles",
]
