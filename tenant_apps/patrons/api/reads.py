"""What the API shows of patrons and their categories, as compiled reads."""

from __future__ import annotations

from saas.core.reads import CompiledRead, Filter
from tenant_apps.patrons import selectors
from tenant_apps.patrons.api.serializers import PatronCategorySerializer, PatronSerializer

CATEGORIES = CompiledRead(
    PatronCategorySerializer, selectors.all_categories, ordering=("code", "name"), default_ordering="code"
)
PATRONS = CompiledRead(
    PatronSerializer,
    selectors.all_patrons,
    scope=selectors.patron_scope,
    filters={"search": Filter(selectors.matching, parse=lambda text: text.strip() or None)},
    ordering=("name", "id"),
    default_ordering="name",
)
PATRON_BY_CARD = CompiledRead(
    PatronSerializer, selectors.all_patrons, scope=selectors.patron_scope, lookup="cards__number"
)
