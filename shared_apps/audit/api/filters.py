"""The query parameters of the audit log, as conditions."""

from __future__ import annotations

from datetime import datetime
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
    wanted: dict[str, Any] = {column: query[name] for name, column in _EXACT.items() if name in query}
    if "actor_kind" in query:
        wanted["actor_kind"] = _kind(query["actor_kind"])
    if "actor" in query:
        wanted["actor_user_id"] = _actor(query["actor"])
    for name, look_up in (("from", "at__gte"), ("to", "at__lt")):
        if name in query:
            wanted[look_up] = _moment(name, query[name])
    return Q(**wanted)


def _kind(text: str) -> str:
    if text not in ACTOR_KINDS:
        choices = {"choices": ", ".join(ACTOR_KINDS)}
        raise invalid_parameter("actor_kind", "invalid_choice", _("Choose one of: %(choices)s.") % choices)
    return text


def _actor(text: str) -> int:
    number = parse_id(text)
    if number is None:
        raise invalid_parameter("actor", "invalid", _("Send the id of a user."))
    return number


def _moment(name: str, text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        detail = _("Send a moment with its offset, such as 2026-11-20T09:30:00Z.")
        raise invalid_parameter(name, "invalid", detail)
    return moment
