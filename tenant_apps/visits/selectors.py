"""Reading visits of the current library."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from django.db.models import DateTimeField, QuerySet, TextField
from django.db.models.functions import Cast

from saas.core.api.visits import Visitor
from saas.core.db.binds import Among, Bind, BindAny
from saas.core.db.questions import Question
from saas.core.principals import STAFF, Principal
from tenant_apps.access import selectors as access
from tenant_apps.preferences import selectors as preferences
from tenant_apps.visits import rules, tokens
from tenant_apps.visits.models import Visit


def visits() -> QuerySet[Visit]:
    """Every visit, past ones too."""
    return Visit.objects.all()


def load_visit(token: str, *, now: datetime) -> Visitor | None:
    """The visit with this token and its rights, in one query; None once it has ended or is no longer admitted."""
    row = _VISIT.first(digests=tokens.digests(token), now=now)
    if row is None:
        return None
    visit, staff_name, access_given, stored = row
    setting = preferences.or_default(rules.SETTING, None if stored is None else orjson.loads(stored))
    may = rules.effective_access(setting, access_given)
    if may == rules.NONE:
        return None
    principal = Principal(
        name=staff_name,
        permissions=rules.permissions_of(may, access.permission_names()),
        kind=STAFF,
        label=staff_name,
    )
    return Visitor(visit, principal, may_write=may == rules.WRITE)


def _open_visits() -> QuerySet[Visit, Any]:
    digests, now = BindAny("digests", TextField()), Bind("now", DateTimeField())
    rows = visits().filter(Among("token_digest", digests), ended_at=None, expires_at__gt=now)
    setting = Cast(preferences.stored(rules.SETTING), TextField())
    return rows.values_list("pk", "staff_name", "access", setting)


_VISIT = Question(_open_visits)
