"""What a search can be narrowed by, with counts, over at most FACETED hits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F

from tenant_apps.catalog.models import TitleContributor, TitleSubject
from tenant_apps.catalog.rules.queries import Query
from tenant_apps.catalog.selectors.availability import available_copies
from tenant_apps.catalog.selectors.search import Filters, matching_titles

FACETED = 5_000
MAX_VALUES = 20  # of each facet, the most frequent


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value and the number of hits that have it. `label` is what people read where the value is an id or
    code.
    """

    value: str
    count: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Facet:
    """The most frequent values. `exact` is false where there are more than FACETED hits: then of those
    counted.
    """

    exact: bool
    values: list[FacetValue]


def facets_of(query: Query, filters: Filters) -> dict[str, Facet]:
    """Facets of a search, by the name of their filter.

    Values of a title's own columns are counted without the filter of their own kind, so that a second value
    can be added; the others within all filters. Six queries.
    """
    if query.is_hopeless:
        return {}
    matching = matching_titles(query, filters).order_by().values("pk")
    rows = list(matching.values_list("pk", "material_type", "language", "year")[: FACETED + 1])
    exact, rows = len(rows) <= FACETED, rows[:FACETED]
    found = {
        name: Facet(exact, _most(_column(rows, at, filters)))
        for at, name in enumerate(("material_type", "language", "year"), start=1)
    }
    ids = [row[0] for row in rows if _fits(row, filters, but=0)]
    found["contributor"] = Facet(exact, _linked(TitleContributor.objects, "contributor", "name", ids))
    found["subject"] = Facet(exact, _linked(TitleSubject.objects, "subject", "heading", ids))
    found["branch"] = Facet(exact, _branches(ids))
    found["available"] = Facet(exact, _available(ids))
    return found


_Row = tuple[Any, ...]
_COLUMNS = ("", "material_type", "language", "year")


def _fits(row: _Row, filters: Filters, *, but: int) -> bool:
    """Whether a hit passes the filters on its own columns, but for that of one column."""
    for at in (1, 2, 3):
        wanted = getattr(filters, _COLUMNS[at])
        if at != but and wanted and row[at] not in wanted:
            return False
    return True


def _column(rows: Iterable[_Row], at: int, filters: Filters) -> dict[Any, int]:
    counts: dict[Any, int] = {}
    for row in rows:
        if row[at] not in (None, "") and _fits(row, filters, but=at):
            counts[row[at]] = counts.get(row[at], 0) + 1
    return counts


def _most(counts: dict[Any, int]) -> list[FacetValue]:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return [FacetValue(str(value), count) for value, count in ordered[:MAX_VALUES]]


def _linked(links: Any, relation: str, label: str, ids: list[int]) -> list[FacetValue]:
    rows = (
        links.filter(title__in=ids)
        .values(key=F(f"{relation}_id"), label=F(f"{relation}__{label}"))
        .annotate(hits=Count("title_id", distinct=True))
        .order_by("-hits", "label")[:MAX_VALUES]
    )
    return [FacetValue(str(row["key"]), row["hits"], row["label"]) for row in rows]


def _branches(ids: list[int]) -> list[FacetValue]:
    rows = (
        available_copies()
        .filter(title__in=ids)
        .values(code=F("current_branch__code"), name=F("current_branch__name"))
        .annotate(hits=Count("title_id", distinct=True))
        .order_by("-hits", "name")[:MAX_VALUES]
    )
    return [FacetValue(row["code"], row["hits"], row["name"]) for row in rows]


def _available(ids: list[int]) -> list[FacetValue]:
    on_shelf = (
        available_copies().filter(title__in=ids).aggregate(hits=Count("title_id", distinct=True))["hits"]
    )
    values = [FacetValue("true", on_shelf), FacetValue("false", len(ids) - on_shelf)]
    return [value for value in values if value.count]
