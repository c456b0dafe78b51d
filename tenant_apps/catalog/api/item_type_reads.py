"""What the API shows of item types, as a compiled read."""

from __future__ import annotations

from saas.core.reads import CompiledRead
from tenant_apps.catalog import selectors
from tenant_apps.catalog.api.copy_serializers import ItemTypeSerializer

ITEM_TYPES = CompiledRead(
    ItemTypeSerializer, selectors.all_item_types, ordering=("code", "name"), default_ordering="code"
)
