"""What the API shows of the catalogue, as compiled reads."""

from __future__ import annotations

from django.db.models import F

from saas.core.reads import CompiledRead
from tenant_apps.catalog import selectors
from tenant_apps.catalog.api.title_serializers import HitSerializer, TitleSerializer

TITLES = CompiledRead(
    HitSerializer,
    selectors.listed_titles,
    filters={"collection": lambda rows, code: rows.filter(collection__code=code)},
    ordering={"title": "sort_title", "id": "id"},
)
# A loan changes the counts and not the version of the title.
TITLE = CompiledRead(
    TitleSerializer,
    selectors.titles_in_full,
    scope=selectors.title_scope,
    tag=(F("copies_total"), F("copies_available")),
)
