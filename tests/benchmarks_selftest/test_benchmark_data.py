"""The library that is measured on: true records, recombined, in the sizes that were asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count

from saas.demo.books import BOOKS_FILE
from tenant_apps.catalog.models import Copy, Title, TitleContributor, TitleSubject
from tenant_apps.circulation.models import Loan
from tenant_apps.patrons.models import Card, Patron
from tests.benchmarks.requests import data

pytestmark = pytest.mark.deep

BOOKS = 40
END = b"\x1d"


@pytest.fixture
def few_books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "books.mrc"
    file.write_bytes(END.join(BOOKS_FILE.read_bytes().split(END)[:BOOKS]) + END)
    monkeypatch.setattr(data, "BOOKS_FILE", file)


@pytest.mark.slow
@pytest.mark.usefixtures("few_books", "in_north")
def test_books_are_multiplied_and_recombined() -> None:
    desk = data.build(3 * BOOKS)

    assert Title.objects.count() == desk.counts["titles"] == 3 * BOOKS
    by_title = dict(Title.objects.values_list("title").annotate(Count("pk")))
    assert set(by_title.values()) == {3}
    # Every clone has a whole set of contributors and subjects, of some other book.
    assert TitleContributor.objects.count() % 3 == 0
    assert TitleContributor.objects.count() > 0
    assert TitleSubject.objects.count() % 3 == 0
    first = Title.objects.order_by("pk")[0]
    clone = Title.objects.filter(title=first.title).order_by("pk")[1]
    assert clone.control_number == ""
    assert names(first) != names(clone)
    # New titles can still be added behind them.
    clone.pk = None
    clone.save()
    assert Title.objects.count() == 3 * BOOKS + 1

    check_desk(desk)


def names(title: Any) -> list[str]:
    return list(title.contributions.order_by("position").values_list("contributor__name", flat=True))


def check_desk(desk: data.Desk) -> None:
    """The desk's copies can be lent, its cards have room, and what must be refused is there to be refused."""
    lendable = Copy.objects.filter(
        barcode__in=desk.barcodes, lost_at=None, withdrawn_at=None, damaged_at=None, not_for_loan=False
    ).exclude(loans__returned_at=None, loans__isnull=False)
    assert lendable.count() == len(desk.barcodes) >= 5
    cards = Card.objects.filter(number__in=desk.card_numbers, lost_at=None)
    assert cards.count() == len(desk.card_numbers) == 20
    assert Loan.objects.filter(copy__barcode=desk.lent_barcode, returned_at=None).exists()
    assert Card.objects.get(number=desk.lost_card).lost_at is not None
    full = Patron.objects.get(cards__number=desk.card_at_limit)
    assert full.loans.filter(returned_at=None).count() == data.LOAN_LIMIT


def test_a_new_column_is_copied_along() -> None:
    text = data.copy_statement(Title, "elsewhere AS source", {"id": "7"}).as_string(None)
    for field in Title._meta.concrete_fields:
        assert connection.ops.quote_name(field.column) in text
    assert '"source"."title"' in text
    assert '"source"."id"' not in text
