"""Reading visits of the current library."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from saas.core.api.visits import Visitor
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
    rows = visits().filter(token_digest__in=tokens.digests(token), ended_at=None, expires_at__gt=now)
    row = rows.annotate(_setting=preferences.stored(rules.SETTING)).first()
    if row is None:
        return None
    setting = preferences.or_default(rules.SETTING, row._setting)
    may = rules.effective_access(setting, row.access)
    if may == rules.NONE:
        return None
    principal = Principal(
        name=row.staff_name,
        permissions=rules.permissions_of(may, access.permission_names()),
        kind=STAFF,
        label=row.staff_name,
    )
    return Visitor(row.pk, principal, may_write=may == rules.WRITE)
