"""What the API shows of service accounts, as compiled reads."""

from __future__ import annotations

from saas.core.reads import CompiledRead
from tenant_apps.keys import selectors
from tenant_apps.keys.api.serializers import ServiceAccountSerializer

SERVICE_ACCOUNTS = CompiledRead(
    ServiceAccountSerializer,
    selectors.service_accounts,
    ordering=("code", "name", "created_at"),
    default_ordering="code",
)
