"""A library to measure on: the shipped books, multiplied and recombined in the database, with copies, patrons, loans.

Real titles, names and headings keep their true lengths; only who wrote what is mixed. Rows are multiplied by
INSERT ... SELECT, column by column as the models have them, so a new column is copied along.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, models
from psycopg import sql

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.demo.books import BOOKS_FILE
from shared_apps.accounts.selectors import user_with_email
from tenant_apps.branches.selectors import all_branches
from tenant_apps.branches.services import create_branch
from tenant_apps.catalog.models import Copy, ItemType, Title, TitleContributor, TitleSubject
from tenant_apps.catalog.services import request_import, run_import
from tenant_apps.circulation.models import Loan, LoanRule
from tenant_apps.patrons.models import Card, Patron, PatronCategory
from tenant_apps.patrons.services import create_patron, link_account

LIBRARY = "north"
CALLER = f"librarian@{LIBRARY}.example"
_PATRONS = 500
_CHUNK = 1024 * 1024
LOAN_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Desk:
    """What the measured requests name: rich titles, copies on the shelf of the main branch, cards with room."""

    title_ids: list[int]
    barcodes: list[str]
    card_numbers: list[str]
    lent_barcode: str
    lost_card: str
    card_at_limit: str
    counts: dict[str, int]


def build(titles: int) -> Desk:
    """Fill the current library, which has its starting rows, with this many titles at least."""
    _places()
    _import_books()
    _multiply(titles)
    _copies()
    _patrons()
    _loans()
    return _desk()


def _places() -> None:
    for code, name in (("east", "East Branch"), ("harbour", "Harbour Branch"), ("school", "School Library")):
        create_branch(code=code, name=name, time_zone="Europe/Rome", by=SYSTEM, now=clock.now())
    branches = {branch.code: branch for branch in all_branches()}
    categories = {category.code: category for category in PatronCategory.objects.all()}
    types = {item_type.code: item_type for item_type in ItemType.objects.all()}
    period, limit = "loan_period_days", "loan_limit"
    rules: list[tuple[str, int, dict[str, Any]]] = [
        (period, 21, {"branch": branches["main"], "item_type": types["book"]}),
        (period, 14, {"branch": branches["main"], "category": categories["child"]}),
        (period, 14, {"category": categories["child"], "item_type": types["book"]}),
        (period, 3, {"branch": branches["school"], "item_type": types["dvd"]}),
        (limit, 5, {"item_type": types["dvd"]}),
        (limit, 10, {"category": categories["child"]}),
        ("overall_loan_limit", 40, {}),
    ]
    LoanRule.objects.bulk_create([LoanRule(name=name, value=value, **scope) for name, value, scope in rules])


def _import_books() -> None:
    job = request_import(
        chunks=_chunks(BOOKS_FILE), file_name=BOOKS_FILE.name, by=SYSTEM, now=clock.now(), in_background=False
    )
    run_import(import_id=job.pk, clock=clock.now)


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            yield chunk


def _multiply(titles: int) -> None:
    """Clone every book until there are enough; each clone gets the contributors and subjects of two other books."""
    base = Title.objects.count()
    clones = max(0, -(-titles // base) - 1)
    run(
        "CREATE TEMP TABLE clone AS SELECT n, k, id AS base_id, (SELECT max(id) FROM catalog_title)"
        " + (k - 1) * %(base)s + n + 1 AS id"
        " FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM catalog_title) AS book,"
        " generate_series(1, %(clones)s) AS k",
        base=base,
        clones=clones,
    )
    run(
        copy_statement(
            Title,
            "clone JOIN catalog_title AS source ON source.id = clone.base_id",
            {
                "id": "clone.id",
                "control_number": "''",
                "isbns": "source.isbns",
            },
        )
    )
    for model, step in ((TitleContributor, 17), (TitleSubject, 31)):
        other = (
            f"clone JOIN clone AS giver ON giver.k = clone.k AND giver.n = (clone.n + {step} * clone.k) %% {base}"
            f" JOIN {model._meta.db_table} AS source ON source.title_id = giver.base_id"
        )
        run(copy_statement(model, other, {"title_id": "clone.id"}, leave_out="id"))
    run("SELECT setval(pg_get_serial_sequence('catalog_title', 'id'), (SELECT max(id) FROM catalog_title))")
    run("DROP TABLE clone")


def copy_statement(
    model: type[models.Model], source: str, values: dict[str, str], leave_out: str = ""
) -> sql.Composed:
    """INSERT every column of the model from `source` (whose rows are `source`), but for those given as SQL."""
    columns = [name for field in model._meta.concrete_fields if (name := str(field.column)) != leave_out]
    wanted = [sql.SQL(values[name]) if name in values else sql.Identifier("source", name) for name in columns]
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(", ").join(sql.Identifier(name) for name in columns),
        sql.SQL(", ").join(wanted),
        sql.SQL(source),
    )


def _copies() -> None:
    """One to four copies of each title, in turn at each branch; a few lost, damaged, withdrawn or not for loan."""
    branches = list(all_branches().order_by("pk"))
    book, dvd = (ItemType.objects.get(code=code).pk for code in ("book", "dvd"))
    now = clock.now()
    copies: list[Copy] = []
    for title_id in Title.objects.order_by("pk").values_list("pk", flat=True).iterator():
        for copy in range(1 + title_id % 4):
            number = len(copies) + 1
            branch = branches[number % len(branches)]
            copies.append(
                Copy(
                    title_id=title_id,
                    barcode=f"B{number:07d}",
                    item_type_id=dvd if title_id % 10 == 0 else book,
                    home_branch=branch,
                    current_branch=branch,
                    call_number=f"{title_id % 1000:03d} {copy + 1}",
                    lost_at=now if number % 97 == 0 else None,
                    damaged_at=now if number % 89 == 0 else None,
                    withdrawn_at=now if number % 83 == 0 else None,
                    not_for_loan=number % 71 == 0,
                    created_at=now,
                )
            )
    Copy.objects.bulk_create(copies, batch_size=5_000)


def _patrons() -> None:
    main = all_branches().get(code="main")
    adult, child = (PatronCategory.objects.get(code=code) for code in ("adult", "child"))
    now = clock.now()
    patrons = Patron.objects.bulk_create(
        Patron(
            name=f"Patron {number:04d}",
            category=child if number % 10 == 0 else adult,
            home_branch=main,
            created_at=now,
        )
        for number in range(_PATRONS)
    )
    Card.objects.bulk_create(
        Card(patron=patron, number=f"C-{number:06d}") for number, patron in enumerate(patrons)
    )
    caller = user_with_email(CALLER)
    assert caller is not None
    own = create_patron(
        name="Livia Librarian", category=adult, home_branch=main, card_numbers=["C-own"], by=SYSTEM, now=now
    )
    link_account(patron_id=own.pk, user_id=caller.pk, by=SYSTEM, now=now)
    Card.objects.create(patron=own, number="C-lost", lost_at=now)


def _loans() -> None:
    """Every twentieth copy that can be lent is out, to the patrons in turn, but not to those whom the desk serves."""
    run(
        """
        INSERT INTO circulation_loan
            (version, copy_id, patron_id, card_number, branch_id, checked_out_at, due_at, renewals, rules)
        SELECT 1, copy.id, patron.id, card.number, copy.home_branch_id, now() - interval '3 days',
               now() + interval '18 days', 0, '{}'
        FROM (SELECT id, home_branch_id, row_number() OVER (ORDER BY id) AS n FROM catalog_copy
              WHERE withdrawn_at IS NULL AND lost_at IS NULL AND NOT not_for_loan) AS copy
        JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM patrons_patron) AS patron
          ON patron.n = 100 + (copy.n / 20) %% 300
        JOIN patrons_card AS card ON card.patron_id = patron.id
        WHERE copy.n %% 20 = 0
        """
    )
    # One patron has as many loans as the rules allow, and those who do the measured checkouts have three each.
    for first, patrons, each in ((450, 1, LOAN_LIMIT), (0, 40, 3)):
        _lend_more(first, patrons, each)


def _lend_more(first: int, patrons: int, each: int) -> None:
    chosen = list(Patron.objects.order_by("pk")[first : first + patrons])
    free = Copy.objects.filter(loans=None, withdrawn_at=None, lost_at=None, not_for_loan=False)
    # From the end, where the barcodes of the desk are not taken from.
    copies = list(
        free.filter(item_type__code="book", home_branch__code="east").order_by("-pk")[: patrons * each]
    )
    now = clock.now()
    Loan.objects.bulk_create(
        Loan(
            copy=copy,
            patron=chosen[at // each],
            card_number="",
            branch_id=copy.home_branch_id,
            checked_out_at=now,
            due_at=now.replace(year=now.year + 1),
        )
        for at, copy in enumerate(copies)
    )


def _desk() -> Desk:
    rich = (
        Title.objects.annotate(parts=models.Count("subject_links", distinct=True))
        .order_by("-parts", "-pk")
        .values_list("pk", flat=True)
    )
    shelf = Copy.objects.filter(
        loans=None,
        withdrawn_at=None,
        lost_at=None,
        damaged_at=None,
        not_for_loan=False,
        home_branch__code="main",
    )
    cards = (
        Card.objects.exclude(patron__category__code="child").order_by("pk").values_list("number", flat=True)
    )
    lent = Loan.objects.filter(returned_at=None).select_related("copy").order_by("pk")[0]
    kinds: tuple[type[models.Model], ...] = (Title, Copy, Patron, Loan)
    counts = {str(kind._meta.verbose_name_plural): kind._default_manager.count() for kind in kinds}
    return Desk(
        title_ids=list(rich[:20]),
        barcodes=list(
            shelf.filter(item_type__code="book").order_by("pk").values_list("barcode", flat=True)[:100]
        ),
        card_numbers=list(cards[:20]),
        lent_barcode=lent.copy.barcode,
        lost_card="C-lost",
        card_at_limit=Card.objects.get(patron=Patron.objects.order_by("pk")[450]).number,
        counts=counts,
    )


def run(statement: str | sql.Composed, **parameters: Any) -> None:
    """Execute one statement in the current library."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
