"""What this app asks of the apps above it, named in the settings so that no import points up.

All of it belongs to libraries: on the public site nobody is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

from saas.core.errors import FieldProblem
from saas.core.principals import Actor
from saas.core.tenancy import current_library_or_none
from shared_apps.accounts.errors import AccountInUse

CLOSED, APPROVAL, OPEN = "closed", "approval", "open"


def registration_mode() -> str:
    """How the current library takes registrations: CLOSED, APPROVAL or OPEN (REGISTRATION_MODE)."""
    if current_library_or_none() is None:
        return CLOSED
    return str(import_string(settings.REGISTRATION_MODE)())


def admit_reader(*, user_id: int, by: Actor, now: datetime) -> None:
    """Give somebody who has registered, and was approved where that is asked, what readers have (READER_ADMITTER)."""
    import_string(settings.READER_ADMITTER)(user_id=user_id, by=by, now=now)


def ways_in() -> list[dict[str, str]]:
    """What the sign-in page offers besides the password: `name`, and `address` of a form (SIGN_IN_WAYS)."""
    return list(import_string(settings.SIGN_IN_WAYS)()) if current_library_or_none() else []


def library_words() -> list[str]:
    """Words of the current site that have no place in a password: the library's name and subdomain."""
    library = current_library_or_none()
    return [] if library is None else [library.name, library.subdomain]


def require_may_deactivate(user_id: int) -> None:
    """Raise AccountInUse where an app of DEACTIVATION_BLOCKERS has a reason why this user must stay.

    They lock what the reason depends on, until the caller's transaction ends.
    """
    _require_none(settings.DEACTIVATION_BLOCKERS, user_id)


def require_may_erase(user_id: int) -> None:
    """Raise AccountInUse for a reason of DEACTIVATION_BLOCKERS or ERASURE_BLOCKERS."""
    _require_none([*settings.DEACTIVATION_BLOCKERS, *settings.ERASURE_BLOCKERS], user_id)


def erase_elsewhere(*, user_id: int, by: Actor, now: datetime) -> None:
    """Have the apps of ACCOUNT_ERASERS forget what they hold of this user, in the caller's transaction."""
    if current_library_or_none() is not None:
        for path in settings.ACCOUNT_ERASERS:
            import_string(path)(user_id=user_id, by=by, now=now)


def exported_elsewhere(user_id: int) -> dict[str, Any]:
    """What the apps of ACCOUNT_EXPORTERS hold of this user, as members of the export; values are JSON."""
    parts: dict[str, Any] = {}
    if current_library_or_none() is None:
        return parts
    for path in settings.ACCOUNT_EXPORTERS:
        parts |= cast("Callable[[int], dict[str, Any]]", import_string(path))(user_id)
    return parts


def _require_none(paths: Iterable[str], user_id: int) -> None:
    if current_library_or_none() is None:
        return
    found = [cast("Callable[[int], FieldProblem | None]", import_string(path))(user_id) for path in paths]
    reasons = [{"code": reason.code, "detail": str(reason.detail)} for reason in found if reason is not None]
    if reasons:
        raise AccountInUse(reasons[0]["detail"], reasons=reasons)
