"""What reads the catalogue. Other apps call these."""

from tenant_apps.catalog.selectors.availability import BranchAvailability, availability_of
from tenant_apps.catalog.selectors.copies import all_copies, all_item_types, copy_status, sees_barcodes
from tenant_apps.catalog.selectors.facets import Facet, FacetValue, facets_of
from tenant_apps.catalog.selectors.imports import all_imports, records_of
from tenant_apps.catalog.selectors.rights import (
    export_of_account,
    require_copy,
    require_copy_change,
    require_move,
    require_title,
    require_title_change,
    title_scope,
    title_shares_managed_by,
    visible_to,
)
from tenant_apps.catalog.selectors.search import Filters, Hit, Page, hits_of, search_titles
from tenant_apps.catalog.selectors.suggestions import suggestions_for
from tenant_apps.catalog.selectors.titles import all_titles, listed_titles, marc_of, titles_in_full

__all__ = [
    "BranchAvailability",
    "Facet",
    "FacetValue",
    "Filters",
    "Hit",
    "Page",
    "all_copies",
    "all_imports",
    "all_item_types",
    "all_titles",
    "availability_of",
    "copy_status",
    "export_of_account",
    "facets_of",
    "hits_of",
    "listed_titles",
    "marc_of",
    "records_of",
    "require_copy",
    "require_copy_change",
    "require_move",
    "require_title",
    "require_title_change",
    "search_titles",
    "sees_barcodes",
    "suggestions_for",
    "title_scope",
    "title_shares_managed_by",
    "titles_in_full",
    "visible_to",
]
