"""The query parameters of the audit log, as conditions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from django.db.models import Q
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from saas.core.api.fields import parse_id
from saas.core.api.parameters import invalid_parameter
from shared_apps.audit.selectors import ACTOR_KINDS

# Compared with the column of the same meaning, letter by letter.
_EXACT: Final = {
    "action": "action",
    "target_type": "target_type",
    "target_id": "target_id",
    "request_id": "request_id",
}
NAMES: Final = frozenset({*_EXACT, "actor", "actor_kind", "from", "to"})


def condition(query: QueryDict) -> Q:
    """What a request asks for; `from` is part of the range, `to` is not. Raises InvalidParameter."""
    asked = query.dict()
    wanted: dict[str, Any] = {column: asked[name] for name, column in _EXACT.items() if name in asked}
    if "actor_kind" in asked:
        wanted["actor_kind"] = _kind(asked["actor_kind"])
    if "actor" in asked:
        wanted["actor_user_id"] = _actor(asked["actor"])
    for name, look_up in (("from", "at__gte"), ("to", "at__lt")):
        if name in asked:
            wanted[look_up] = _moment(name, asked[name])
    return Q(**wanted)


def _kind(text: Any) -> str:
    if text not in ACTOR_KINDS:
        choices = {"choices": ", ".join(ACTOR_KINDS)}
        raise invalid_parameter("actor_kind", "invalid_choice", _("Choose one of: %(choices)s.") % choices)
    return str(text)


def _actor(text: Any) -> int:
    number = parse_id(text)
    if number is None:
        raise invalid_parameter("actor", "invalid", _("Send the id of a user."))
    return number


def _moment(name: str, text: Any) -> datetime:
    try:
        moment = parse_datetime(text)
        if moment is not None and moment.tzinfo is not None:
            # In UTC, because a moment of year 1 or 9999 may lie in no year that the database has.
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise invalid_parameter(
        name, "invalid", _("Send a moment with its offset, such as 2026-11-20T09:30:00Z.")
    )
