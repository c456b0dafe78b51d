"""Reading titles."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Min, OuterRef, Prefetch, QuerySet

from tenant_apps.catalog.models import Title, TitleContributor, TitleSubject
from tenant_apps.catalog.selectors.availability import copies_of_each


def all_titles() -> QuerySet[Title]:
    """Every title of the current library, without its record and search vectors, which lists do not need."""
    return Title.objects.defer("marc", "search", "title_search")


def titles_in_full() -> QuerySet[Title]:
    """Titles with the numbers of their copies, and their contributors and subjects in the record's order; two more
    queries, whatever their number.
    """
    contributions = TitleContributor.objects.select_related("contributor").order_by("position")
    subjects = TitleSubject.objects.select_related("subject").order_by("position")
    return (
        all_titles()
        .annotate(**copies_of_each())
        .select_related("collection")
        .prefetch_related(Prefetch("contributions", contributions), Prefetch("subject_links", subjects))
    )


def listed_titles() -> QuerySet[Title]:
    """Titles with what a list shows of them: the numbers of their copies, and `contributor_names` as below."""
    parts = (
        TitleContributor.objects.filter(title=OuterRef("pk"))
        .values("contributor__name")
        .annotate(first=Min("position"))
        .order_by("first")
    )
    names = parts.values_list("contributor__name", flat=True)
    return all_titles().annotate(contributor_names=ArraySubquery(names), **copies_of_each())


def contributor_names(title_ids: Sequence[int]) -> dict[int, list[str]]:
    """Names by title, in the record's order, each once; one query."""
    rows = (
        TitleContributor.objects.filter(title__in=title_ids)
        .order_by("title_id", "position")
        .values_list("title_id", "contributor__name")
    )
    found: dict[int, dict[str, None]] = {}
    for title_id, name in rows:
        found.setdefault(title_id, {})[name] = None
    return {title_id: list(names) for title_id, names in found.items()}


def marc_of(title: Title) -> bytes:
    """The title's whole record, ISO 2709 in UTF-8."""
    return zlib.decompress(bytes(title.marc))
