"""What the platform needs of the apps in a library's schema, named in the settings so that no import points up.

Each runs in the schema that is current: enter the library first.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

from saas.core.principals import Actor


def require_visit_admitted(*, access: str) -> None:
    """Raise a PermissionDenied (403 visit_not_admitted) where the library keeps such visits out."""
    _named("admit")(access=access)


def begin_visit_in_library(
    *, visit_id: uuid.UUID, staff_name: str, reason: str, access: str, until: datetime, now: datetime
) -> str:
    """Write the visit into the library and tell its admins; the visitor's token. Raises as above."""
    token = _named("begin")(
        visit_id=visit_id, staff_name=staff_name, reason=reason, access=access, until=until, now=now
    )
    return cast(str, token)


def end_visit_in_library(*, visit_id: uuid.UUID, by: Actor, now: datetime) -> None:
    """Make the visit's token worthless. Raises NotFound where the library knows of no such visit."""
    _named("end")(visit_id=visit_id, ended_by="staff", by=by, now=now)


def _named(port: str) -> Callable[..., Any]:
    return cast("Callable[..., Any]", import_string(settings.VISITS[port]))
