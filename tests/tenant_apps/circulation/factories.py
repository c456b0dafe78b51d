"""Rows to lend with, made in the current library, and a fingerprint of everything that the library holds."""

from __future__ import annotations

import datetime as dt
from typing import Any

import factory
from django.db import connection
from psycopg import sql

from tenant_apps.branches.models import Branch
from tenant_apps.catalog.models import Copy, ItemType, Title
from tenant_apps.patrons.models import Card, Patron, PatronCategory
from tests.snapshots import WRITTEN_BY_REFUSALS

NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)


class BranchFactory(factory.django.DjangoModelFactory):
    """A branch in Rome; `main` is there from the start."""

    class Meta:
        model = Branch
        django_get_or_create = ("code",)

    code = factory.Sequence(lambda n: f"branch-{n}")
    name = factory.LazyAttribute(lambda branch: branch.code.title())
    time_zone = "Europe/Rome"


class TitleFactory(factory.django.DjangoModelFactory):
    """A title without a record: circulation reads its name alone."""

    class Meta:
        model = Title

    title = factory.Sequence(lambda n: f"Title {n}")
    sort_title = factory.LazyAttribute(lambda title: title.title.lower())
    material_type = "book"
    marc = b""
    marc_hash = ""
    search = ""
    title_search = ""
    created_at = updated_at = NOW


class CopyFactory(factory.django.DjangoModelFactory):
    """A book of the branch `main`, on its shelf."""

    class Meta:
        model = Copy

    title = factory.SubFactory(TitleFactory)
    barcode = factory.Sequence(lambda n: f"B-{n}")
    item_type = factory.LazyFunction(lambda: item_type("book"))
    home_branch = factory.SubFactory(BranchFactory, code="main")
    current_branch = factory.SelfAttribute("home_branch")
    created_at = NOW


class CardFactory(factory.django.DjangoModelFactory):
    """A valid card."""

    class Meta:
        model = Card

    number = factory.Sequence(lambda n: f"C-{n}")


class PatronFactory(factory.django.DjangoModelFactory):
    """An adult of the branch `main`; `card` is the number of their card."""

    class Meta:
        model = Patron
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Patron {n}")
    category = factory.LazyFunction(lambda: PatronCategory.objects.get(code="adult"))
    home_branch = factory.SubFactory(BranchFactory, code="main")
    created_at = NOW

    @factory.post_generation
    def card(self: Any, create: bool, number: str | None, **kwargs: Any) -> None:
        if number is not None:
            CardFactory(patron=self, number=number)


def item_type(code: str) -> ItemType:
    return ItemType.objects.get_or_create(code=code, defaults={"name": code.title()})[0]


def category(code: str) -> PatronCategory:
    return PatronCategory.objects.get_or_create(code=code, defaults={"name": code.title()})[0]


def main_branch() -> Branch:
    return Branch.objects.get(code="main")


def everything() -> dict[str, tuple[int, str]]:
    """Rows and a digest of every table of the current library: equal before and after means nothing was written.

    But for what a refusal itself writes down.
    """
    found = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
        for (table,) in cursor.fetchall():
            if table in WRITTEN_BY_REFUSALS:
                continue
            query = sql.SQL(
                "SELECT count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {} t"
            )
            cursor.execute(query.format(sql.Identifier(table)))
            found[table] = cursor.fetchone()
    return found
