"""A library with 20 branches and many loans, a librarian of three branches, and the same rights as guardian has them."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from guardian.models import GroupObjectPermission
from psycopg import sql

from saas.core import clock
from saas.core.principals import SYSTEM
from shared_apps.accounts.models import User
from tenant_apps.access.services import assign_role, create_member
from tenant_apps.branches.models import Branch
from tenant_apps.branches.services import create_branch
from tenant_apps.catalog.marc import TitleDraft
from tenant_apps.catalog.models import Copy, ItemType, Title
from tenant_apps.catalog.services import add_title
from tenant_apps.circulation.models import Loan
from tenant_apps.patrons.models import Patron, PatronCategory
from tests.benchmarks.access.sizes import BRANCHES, OWN_BRANCHES

_TITLES, _PATRONS, _OPEN_EACH = 200, 500, 5
# Branches by turns, and not in the order of the copies: each page of the table has loans of every branch.
_LOANS = """
INSERT INTO {loans}
    (version, copy_id, patron_id, card_number, branch_id, checked_out_at, due_at, renewals, rules,
     returned_at, effective_return_at, return_branch_id)
SELECT 1, copies.id, patrons.id, 'C-' || n, branches.id, moment, moment + interval '28 days', 0, '{{}}',
    CASE WHEN n %% %(every)s <> 0 THEN moment + interval '9 days' END,
    CASE WHEN n %% %(every)s <> 0 THEN moment + interval '9 days' END,
    CASE WHEN n %% %(every)s <> 0 THEN branches.id END
FROM generate_series(1, %(count)s) AS n
CROSS JOIN LATERAL (SELECT now() - n * interval '1 minute' AS moment) AS moments
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS at FROM {copies}) AS copies ON copies.at = n / %(every)s
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS at FROM {patrons}) AS patrons
  ON patrons.at = n %% %(patrons)s
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS at FROM {branches}) AS branches
  ON branches.at = (n * 7 + n / 20) %% %(branches)s
"""
# What `assign_perm` writes for each loan, in one statement.
_ASSIGN = """
INSERT INTO {grants} (permission_id, content_type_id, object_pk, group_id)
SELECT %(permission)s, %(content_type)s, loan.id::text, groups.id
FROM {loans} AS loan JOIN {branches} AS branch ON branch.id = loan.branch_id
JOIN {groups} AS groups ON groups.name = 'staff of ' || branch.code
"""


@dataclass(frozen=True, slots=True)
class Staff:
    """Who asks: the librarian's id and the codes of their branches; and how many rows guardian's plain way stores."""

    user_id: int
    branches: tuple[str, ...]
    grants: int


def build(loans: int) -> Staff:
    """Fill the current library, which has its starting rows."""
    now = clock.now()
    main = Branch.objects.get()
    others = [
        create_branch(code=f"b{n:02d}", name=f"Branch {n}", time_zone="Europe/Rome", by=SYSTEM, now=now)
        for n in range(1, BRANCHES)
    ]
    branches = [main, *others]
    titles = [
        add_title(draft=TitleDraft(title=f"The Book of Turns, volume {n}"), by=SYSTEM, now=now)
        for n in range(_TITLES)
    ]
    _copies(loans // _OPEN_EACH + 1, titles, branches)
    _patrons(main)
    _run(_LOANS, count=loans, every=_OPEN_EACH, patrons=_PATRONS, branches=BRANCHES)
    return _staff(branches[:: BRANCHES // OWN_BRANCHES][:OWN_BRANCHES])


def _copies(count: int, titles: list[Title], branches: list[Branch]) -> None:
    book, now = ItemType.objects.get(code="book"), clock.now()
    Copy.objects.bulk_create(
        (
            Copy(
                title=titles[n % len(titles)],
                barcode=f"B{n:07d}",
                item_type=book,
                home_branch=branches[n % len(branches)],
                current_branch=branches[n % len(branches)],
                created_at=now,
            )
            for n in range(count)
        ),
        batch_size=5_000,
    )


def _patrons(branch: Branch) -> None:
    adult, now = PatronCategory.objects.get(code="adult"), clock.now()
    Patron.objects.bulk_create(
        Patron(name=f"Patron {n}", category=adult, home_branch=branch, created_at=now)
        for n in range(_PATRONS)
    )


def _staff(branches: list[Branch]) -> Staff:
    """A librarian of these branches: by our roles, and by groups that hold a right for each loan."""
    first, *more = branches
    user = create_member(
        email="three@branches.example",
        name="Librarian of three",
        password="correct-horse-battery",
        role="librarian",
        branch=first.code,
        now=clock.now(),
        by=SYSTEM,
    )
    for branch in more:
        assign_role(user_id=user.pk, role="librarian", branch=branch.code, by=SYSTEM, now=clock.now())
    Group.objects.bulk_create(Group(name=f"staff of {branch.code}") for branch in Branch.objects.all())
    found = User.objects.get(pk=user.pk)
    found.groups.add(*Group.objects.filter(name__in=[f"staff of {branch.code}" for branch in branches]))
    content_type = ContentType.objects.get_for_model(Loan)
    permission = Permission.objects.get(content_type=content_type, codename="view_loan")
    _run(_ASSIGN, permission=permission.pk, content_type=content_type.pk)
    return Staff(user.pk, tuple(branch.code for branch in branches), GroupObjectPermission.objects.count())


def _run(statement: str, **parameters: object) -> None:
    tables = {
        "loans": Loan,
        "copies": Copy,
        "patrons": Patron,
        "branches": Branch,
        "groups": Group,
        "grants": GroupObjectPermission,
    }
    names = {name: sql.Identifier(model._meta.db_table) for name, model in tables.items()}
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(**names), parameters)
