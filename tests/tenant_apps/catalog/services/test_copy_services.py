"""Copies and item types."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation

from saas.core.errors import NotFound, PreconditionFailed
from saas.core.principals import SYSTEM
from saas.core.seeding import LibrarySeed
from shared_apps.audit.models import AuditEntry
from tenant_apps.catalog import services
from tenant_apps.catalog.errors import BarcodeTaken, ItemTypeCodeTaken
from tenant_apps.catalog.models import Copy, ItemType
from tests.tenant_apps.catalog.records import NOW, add_copy, add_title

LATER = NOW + dt.timedelta(days=1)


def change(copy: Copy, now: dt.datetime = NOW, **changes: Any) -> Copy:
    return services.change_copy(copy_id=copy.pk, changes=changes, by=SYSTEM, now=now)  # type: ignore[arg-type]


def test_a_copy_stands_at_its_home_branch(in_north: Any) -> None:
    copy = add_copy(add_title(), "B1", call_number="823 AUS", replacement_price=Decimal("12.50"))
    assert (copy.current_branch_id, copy.version) == (copy.home_branch_id, 1)
    entry = AuditEntry.objects.get(action="copy.created")
    assert entry.changes["barcode"] == "B1"


def test_a_barcode_is_given_once(in_north: Any) -> None:
    title = add_title()
    add_copy(title, "B1")
    with pytest.raises(BarcodeTaken) as refused:
        add_copy(title, "B1")
    assert refused.value.errors[0].field == "barcode"
    assert Copy.objects.count() == 1
    assert AuditEntry.objects.filter(action="copy.created").count() == 1


def test_flags_keep_the_moment_they_were_set(in_north: Any) -> None:
    copy = change(add_copy(add_title(), "B1"), lost=True)
    assert (copy.lost_at, copy.version) == (NOW, 2)
    again = change(copy, LATER, lost=True)
    assert (again.lost_at, again.version) == (NOW, 2)
    found = change(copy, LATER, lost=False)
    assert (found.lost_at, found.version) == (None, 3)


def test_a_change_is_audited_with_before_and_after(in_north: Any) -> None:
    copy = add_copy(add_title(), "B1", replacement_price=Decimal("12.50"))
    dvd = ItemType.objects.get(code="dvd")
    change(copy, item_type=dvd, replacement_price=None, damaged=True)
    assert AuditEntry.objects.get(action="copy.changed").changes == {
        "item_type": ["book", "dvd"],
        "replacement_price": ["12.50", None],
        "damaged_at": [None, NOW.isoformat()],
    }


def test_a_taken_barcode_changes_nothing(in_north: Any) -> None:
    title = add_title()
    add_copy(title, "B1")
    copy = add_copy(title, "B2")
    with pytest.raises(BarcodeTaken):
        change(copy, barcode="B1", call_number="new")
    copy.refresh_from_db()
    assert (copy.barcode, copy.call_number, copy.version) == ("B2", "", 1)


def test_an_unexpected_version_changes_nothing(in_north: Any) -> None:
    copy = add_copy(add_title(), "B1")

    def refuse(_row: Copy) -> None:
        raise PreconditionFailed

    with pytest.raises(PreconditionFailed):
        services.change_copy(copy_id=copy.pk, changes={"call_number": "x"}, by=SYSTEM, now=NOW, expect=refuse)
    copy.refresh_from_db()
    assert copy.call_number == ""


def test_a_copy_that_is_not_there(in_north: Any) -> None:
    with pytest.raises(NotFound):
        services.change_copy(copy_id=1, changes={}, by=SYSTEM, now=NOW)


@pytest.mark.parametrize(("language", "book"), [("en", "Book"), ("it", "Libro")])
def test_a_new_library_has_two_item_types_named_in_its_language(
    in_north: Any, language: str, book: str
) -> None:
    with translation.override(language):
        services.seed_library(
            LibrarySeed(in_north, "a@x.example", "A", "", language, "IT", "Europe/Rome", NOW)
        )
    assert set(ItemType.objects.values_list("code", flat=True)) == {"book", "dvd"}
    assert ItemType.objects.get(code="book").name == book


def test_a_code_is_given_once(in_north: Any) -> None:
    services.add_item_type(code="map", name="Map", by=SYSTEM, now=NOW)
    with pytest.raises(ItemTypeCodeTaken):
        services.add_item_type(code="map", name="Other", by=SYSTEM, now=NOW)
    assert ItemType.objects.filter(code="map").values_list("name", flat=True).get() == "Map"
