"""What the API shows of role assignments, as a compiled read."""

from __future__ import annotations

from django.db import models

from saas.core.api.fields import parse_id
from saas.core.reads import CompiledRead, Filter
from tenant_apps.access import selectors
from tenant_apps.access.api.serializers import RoleAssignmentSerializer

# What cannot be an id is that of nobody, and not of everybody without one.
_NOBODY = -1


def _wanted_id(text: str) -> int:
    found = parse_id(text)
    return _NOBODY if found is None else found


ASSIGNMENTS = CompiledRead(
    RoleAssignmentSerializer,
    selectors.role_assignments,
    scope=selectors.managed_scope,
    filters={
        "user": Filter(
            lambda rows, value: rows.filter(user=value), models.BigIntegerField(), parse=_wanted_id
        ),
        "service_account": Filter(
            lambda rows, value: rows.filter(service_account=value), models.BigIntegerField(), parse=_wanted_id
        ),
        "role": Filter(lambda rows, value: rows.filter(role__code=value)),
        "branch": Filter(lambda rows, value: rows.filter(branch__code=value)),
        "collection": Filter(lambda rows, value: rows.filter(collection__code=value)),
    },
)
