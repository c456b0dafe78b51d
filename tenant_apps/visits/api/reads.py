"""What the API shows of visits, as a compiled read."""

from __future__ import annotations

from saas.core.reads import CompiledRead
from tenant_apps.visits import selectors
from tenant_apps.visits.api.serializers import VisitSerializer

VISITS = CompiledRead(
    VisitSerializer, selectors.visits, ordering=("started_at",), default_ordering="-started_at"
)
