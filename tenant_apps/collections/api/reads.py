"""What the API shows of collections, as compiled reads."""

from __future__ import annotations

from saas.core.reads import CompiledRead
from tenant_apps.collections import selectors
from tenant_apps.collections.api.serializers import CollectionSerializer

COLLECTIONS = CompiledRead(
    CollectionSerializer, selectors.all_collections, ordering=("code", "name"), default_ordering="code"
)
