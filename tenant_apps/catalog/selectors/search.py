"""Searching titles: bounded work whatever is typed (the numbers are those of the search design).

No query ranks, counts or facets an unbounded set: at most RANKED candidates are ranked, counts are exact up
to COUNTED, facets up to FACETED hits. The number of statements does not depend on the number of hits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.search import SearchRank
from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When

from tenant_apps.catalog.models import Title
from tenant_apps.catalog.rules.queries import Query
from tenant_apps.catalog.selectors.availability import (
    BranchAvailability,
    availability_of,
    available_copies,
    has_available_copy,
)
from tenant_apps.catalog.selectors.expressions import ReadyQuery
from tenant_apps.catalog.selectors.titles import contributor_names

RANKED = 2_000
RANKED_BY_TITLE = 1_000  # of these, titles that match in their title come first
COUNTED = 1_001
_WEIGHTS = [0.05, 0.2, 0.5, 1.0]  # D, C, B, A
_LOGARITHM_OF_LENGTH = 1  # ts_rank normalisation: long records do not win by their length


@dataclass(frozen=True, slots=True)
class Filters:
    """What narrows a search. Several values of one kind widen it again; kinds narrow each other.

    `branches` are codes and mean "a copy is available there"; contributors and subjects are row ids.
    """

    material_type: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    year: tuple[int, ...] = ()
    contributor: tuple[int, ...] = ()
    subject: tuple[int, ...] = ()
    branch: tuple[str, ...] = ()
    available: bool | None = None

    def on_titles(self) -> Q:
        """The filters on columns of the title itself."""
        wanted = Q()
        for name in ("material_type", "language", "year"):
            if values := getattr(self, name):
                wanted &= Q(**{f"{name}__in": values})
        return wanted


@dataclass(frozen=True, slots=True)
class Hit:
    """One title in a list of results. `copies_total` counts what is neither lost nor withdrawn."""

    id: int
    title: str
    subtitle: str
    contributor_names: list[str]
    year: int | None
    language: str
    isbns: list[str]
    material_type: str
    places: list[BranchAvailability]

    @property
    def copies_total(self) -> int:
        """Copies in all branches."""
        return sum(place.copies for place in self.places)

    @property
    def copies_available(self) -> int:
        """Copies on the shelf in all branches."""
        return sum(place.available for place in self.places)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of hits. `count` is exact unless `count_is_exact` is false: then there are more than COUNTED -
    1.
    """

    hits: list[Hit]
    count: int
    count_is_exact: bool
    has_next: bool
    suggestions: list[str] = field(default_factory=list)


def search_titles(query: Query, filters: Filters, *, offset: int, size: int) -> Page:
    """One page of titles, best first; without a query the newest first. At most RANKED titles can be paged
    to.
    """
    if query.is_hopeless:
        return Page([], 0, count_is_exact=True, has_next=False)
    matching = matching_titles(query, filters).filter(filters.on_titles())
    count = matching.order_by()[:COUNTED].count()
    if not count:
        return Page([], 0, count_is_exact=True, has_next=False)
    size = min(size, RANKED - offset)
    ids = (
        list(_ordered(query, matching)[offset : offset + size + 1].values_list("pk", flat=True))
        if size > 0
        else []
    )
    return Page(
        hits=hits_of(ids[:size]),
        count=min(count, COUNTED - 1),
        count_is_exact=count < COUNTED,
        has_next=len(ids) > size and offset + size < RANKED,
    )


def matching_titles(query: Query, filters: Filters) -> QuerySet[Title]:
    """Titles that fit the words and the filters on other tables; not yet those on the title's own columns."""
    titles = Title.objects.all()
    if query.tsquery:
        titles = titles.filter(search=ReadyQuery(query.tsquery))
    if filters.contributor:
        titles = titles.filter(pk__in=_linked("contributions__contributor", filters.contributor))
    if filters.subject:
        titles = titles.filter(pk__in=_linked("subject_links__subject", filters.subject))
    if filters.available is not None:
        titles = titles.filter(has_available_copy() if filters.available else ~has_available_copy())
    if filters.branch:
        there = available_copies().filter(current_branch__code__in=filters.branch)
        titles = titles.filter(pk__in=there.values("title_id"))
    return titles


def has_hits(query: Query, filters: Filters) -> bool:
    """Whether at least one title would be found."""
    return bool(query.tsquery) and matching_titles(query, filters).filter(filters.on_titles()).exists()


def hits_of(title_ids: Sequence[int]) -> list[Hit]:
    """The titles with what a list shows of them, in the order of the ids; three queries."""
    columns = ("pk", "title", "subtitle", "year", "language", "isbns", "material_type")
    rows = {row[0]: row for row in Title.objects.filter(pk__in=title_ids).values_list(*columns)}
    names = contributor_names(title_ids)
    places = availability_of(title_ids)
    return [
        Hit(
            id=pk,
            title=rows[pk][1],
            subtitle=rows[pk][2],
            contributor_names=names.get(pk, []),
            year=rows[pk][3],
            language=rows[pk][4],
            isbns=rows[pk][5],
            material_type=rows[pk][6],
            places=places.get(pk, []),
        )
        for pk in title_ids
        if pk in rows
    ]


def _linked(path: str, ids: Sequence[int]) -> Any:
    return Title.objects.filter(**{f"{path}__in": ids}).order_by().values("pk")


def _ordered(query: Query, matching: QuerySet[Title]) -> QuerySet[Title]:
    if not query.tsquery:
        return matching.order_by("-pk")
    asked = ReadyQuery(query.tsquery)
    ids = matching.order_by().values("pk")
    exact = ReadyQuery(query.exact_tsquery)
    # Each branch is cut off on its own, so that a common word costs no more than a rare one and a title that
    # is called exactly so, or has the words in its title, is among the candidates all the same.
    candidates = ids.filter(title_search=exact)[:RANKED_BY_TITLE].union(
        ids.filter(title_search=asked)[:RANKED_BY_TITLE], ids[:RANKED]
    )
    rank = SearchRank(F("search"), asked, weights=_WEIGHTS, normalization=Value(_LOGARITHM_OF_LENGTH))
    first = Case(When(title_search=exact, then=Value(1)), default=Value(0), output_field=IntegerField())
    return (
        Title.objects.filter(pk__in=candidates)
        .annotate(first=first, rank=rank)
        .order_by("-first", "-rank", "-pk")
    )
