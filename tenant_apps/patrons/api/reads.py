"""What the API shows of patrons and their categories, as compiled reads."""

from __future__ import annotations

from saas.core.reads import CompiledRead
from tenant_apps.patrons import selectors
from tenant_apps.patrons.api.serializers import PatronCategorySerializer

CATEGORIES = CompiledRead(
    PatronCategorySerializer, selectors.all_categories, ordering=("code", "name"), default_ordering="code"
)
