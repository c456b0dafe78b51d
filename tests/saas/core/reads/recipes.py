"""Rows for the equality test of each compiled read: every read of the API has its recipe here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from saas.core.principals import Principal
from saas.core.reads import EVERYTHING, CompiledRead, Scoped
from tenant_apps.access.api.reads import ASSIGNMENTS
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.access.selectors import MANAGE, managed_scope
from tenant_apps.branches.api.reads import BRANCHES
from tenant_apps.branches.models import Branch
from tenant_apps.catalog import selectors
from tenant_apps.catalog.api.item_type_reads import ITEM_TYPES
from tenant_apps.catalog.api.reads import TITLE, TITLES
from tenant_apps.catalog.models import Contributor, Copy, Subject, Title, TitleContributor, TitleSubject
from tenant_apps.circulation import selectors as circulation
from tenant_apps.circulation.api.reads import LOANS, LOANS_OF_PATRON
from tenant_apps.circulation.api.rule_reads import RULES
from tenant_apps.circulation.models import Loan
from tenant_apps.collections.api.reads import COLLECTIONS
from tenant_apps.collections.models import Collection
from tenant_apps.keys.api.reads import SERVICE_ACCOUNTS
from tenant_apps.patrons import selectors as patron_selectors
from tenant_apps.patrons.api.reads import CATEGORIES, PATRON_BY_CARD, PATRONS
from tenant_apps.patrons.models import Card, Patron
from tenant_apps.visits.api.reads import VISITS
from tests.factories import (
    NOW,
    BranchFactory,
    CardFactory,
    CollectionFactory,
    CopyFactory,
    ItemTypeFactory,
    LoanFactory,
    LoanRuleFactory,
    PatronCategoryFactory,
    PatronFactory,
    RoleAssignmentFactory,
    RoleFactory,
    ServiceAccountFactory,
    TitleFactory,
    TitleShareFactory,
    VisitFactory,
    unique,
)
from tests.saas.core.reads.wild import named, scramble


class Choice(str):
    """A value of a filter that has choices."""


@dataclass(frozen=True)
class Recipe:
    """`make(data, count)` writes rows that the read shows, wild ones, and what hangs on them.

    `scoped` are callers as `scope` would tell them, called after the rows are there; `filters` values that a view
    would make of query parameters, by name.
    """

    make: Callable[[DataObject, int], None]
    scoped: Callable[[], Sequence[Scoped]] = lambda: [Scoped(EVERYTHING)]
    filters: Mapping[str, Callable[[], Sequence[Any]]] = field(default_factory=dict)


def branches(data: DataObject, count: int) -> None:
    for _number in range(count):
        scramble(data, BranchFactory.create(code=named(data)))


def collections(data: DataObject, count: int) -> None:
    for _number in range(count):
        scramble(data, CollectionFactory.create(code=named(data)))


def categories(data: DataObject, count: int) -> None:
    for _number in range(count):
        scramble(data, PatronCategoryFactory.create(code=named(data)))


def rules(data: DataObject, count: int) -> None:
    for _number in range(count):
        branch = BranchFactory.create(code=named(data)) if data.draw(st.booleans()) else None
        rule = LoanRuleFactory.create(
            name=named(data),
            value=data.draw(st.none() | st.integers(-(2**53), 2**53)),
            branch=branch,
            category=PatronCategoryFactory.create(code=named(data)) if data.draw(st.booleans()) else None,
            item_type=ItemTypeFactory.create(code=named(data)) if data.draw(st.booleans()) else None,
        )
        scramble(data, rule, name=None)


def item_types(data: DataObject, count: int) -> None:
    for _number in range(count):
        scramble(data, ItemTypeFactory.create(code=named(data)))


def visits(data: DataObject, count: int) -> None:
    for _number in range(count):
        end = st.just(dt.datetime(9999, 12, 31, tzinfo=dt.UTC))  # after every beginning
        scramble(data, VisitFactory.create(), expires_at=end, token_digest=None, access=None)


def service_accounts(data: DataObject, count: int) -> None:
    for _number in range(count):
        row = ServiceAccountFactory.create(code=named(data))
        scramble(data, row)


def assignments(data: DataObject, count: int) -> None:
    """Of people and machines, for the library, a branch or a collection."""
    for number in range(count):
        place: dict[str, Any] = data.draw(
            st.sampled_from(
                [
                    {},
                    {"branch": BranchFactory.create(code=named(data))},
                    {"collection": CollectionFactory.create(code=named(data))},
                ]
            )
        )
        who = {"user": None, "service_account": ServiceAccountFactory.create()} if number % 2 else {}
        row = RoleAssignmentFactory.create(role=RoleFactory.create(code=named(data)), **place, **who)
        scramble(data, row)
        if row.user is not None:
            type(row.user).objects.filter(pk=row.user_id).update(email=named(data, 60))


def managers() -> list[Scoped]:
    """An admin, and who manages one branch and one collection of the rows, or none."""
    held = RoleAssignment.objects.order_by("-pk")
    branches = held.exclude(branch=None).values_list("branch", flat=True)[:1]
    collections_ = held.exclude(collection=None).values_list("collection", flat=True)[:1]
    return [
        EVERYTHING.with_values(),
        managed_scope(_manager(branches, collections_)),
        managed_scope(_manager((), ())),
    ]


def _manager(branches: Any, collections_: Any) -> Principal:
    return Principal(
        user_id=1,
        branch_permissions={pk: frozenset({MANAGE}) for pk in branches},
        collection_permissions={pk: frozenset({MANAGE}) for pk in collections_},
    )


def titles(data: DataObject, count: int) -> None:
    """Titles with names that come twice, subjects, and copies in every state, some of them on loan."""
    for _number in range(count):
        shelf = Collection.objects.filter(code="shelf").first() or CollectionFactory.create(code="shelf")
        title = TitleFactory.create(collection=data.draw(st.sampled_from([None, shelf])))
        scramble(data, title, control_number=None, marc_hash=None)
        people = [_contributor(data) for _person in range(data.draw(st.integers(0, 2)))]
        for position in range(data.draw(st.integers(0, 3)) if people else 0):
            part = TitleContributor(
                title=title, contributor=data.draw(st.sampled_from(people)), position=position
            )
            part.save()
            scramble(data, part, position=None)
        for position in range(data.draw(st.integers(0, 2))):
            subject = Subject.objects.create(normalised_heading=named(data))
            scramble(data, subject)
            TitleSubject.objects.create(title=title, subject=subject, position=position)
        for _copy in range(data.draw(st.integers(0, 3))):
            copies(data, 1, title=title)


def _contributor(data: DataObject) -> Contributor:
    person = Contributor.objects.create(kind="person", normalised_name=named(data))
    scramble(data, person, kind=None, normalised_name=None)
    return person


def copies(data: DataObject, count: int, **given: Any) -> None:
    """Copies in every state, on loan, lent and back, or never lent."""
    for _number in range(count):
        copy = CopyFactory.create(barcode=named(data), **given)
        scramble(data, copy)
        for returned_at in data.draw(st.sampled_from([(), (None,), (NOW,), (NOW, None)])):
            LoanFactory.create(copy=copy, returned_at=returned_at)


def title_scopes() -> list[Scoped]:
    """Somebody with a role, somebody with whom one title is shared, somebody with nothing, a machine."""
    share = (
        TitleShareFactory.create(content_object=Title.objects.latest("pk"))
        if Title.objects.exists()
        else None
    )
    reader = Principal(user_id=1, permissions=frozenset({"catalog.view"}))
    shared = Principal(user_id=share.user_id if share else 1)
    return [
        selectors.title_scope(one) for one in (reader, shared, Principal(user_id=0), Principal(kind="key"))
    ]


def loans(data: DataObject, count: int) -> None:
    """Open ones, closed ones, anonymous ones, at branches of their own."""
    for number in range(count):
        title = TitleFactory.create()
        scramble(data, title, control_number=None, marc_hash=None)
        copy = CopyFactory.create(title=title, barcode=named(data))
        lent_at = BranchFactory.create(code=unique("desk") if number else "desk")
        loan = LoanFactory.create(copy=copy, branch=lent_at, card=CardFactory.create(number=named(data)))
        scramble(data, loan, checked_out_at=None, due_at=None, rules=None)
        Loan.objects.filter(pk=loan.pk).update(
            due_at=data.draw(st.datetimes(dt.datetime(2027, 1, 1), timezones=st.just(dt.UTC))),
            patron=data.draw(st.sampled_from([loan.patron, None])),
            return_branch=data.draw(st.sampled_from([copy.home_branch, None])),
        )


def patrons(data: DataObject, count: int) -> None:
    """With valid cards and lost ones, at branches of their own."""
    for number in range(count):
        branch = BranchFactory.create(code=unique("home") if number else "home")
        category = PatronCategoryFactory.create(code=named(data))
        patron = PatronFactory.create(home_branch=branch, category=category)
        scramble(data, patron)
        for _card in range(data.draw(st.integers(1, 3))):
            lost_at = data.draw(st.sampled_from([None, NOW]))
            CardFactory.create(patron=patron, number=named(data), lost_at=lost_at)


def at_branch(scope: Callable[[Principal], Scoped], permission: str, code: str) -> Callable[[], list[Scoped]]:
    """Somebody of the whole library, of the one branch with this code, of none."""

    def scoped() -> list[Scoped]:
        there = Branch.objects.filter(code=code).values_list("pk", flat=True)
        of_one = Principal(user_id=1, branch_permissions={pk: frozenset({permission}) for pk in there})
        of_all = Principal(user_id=1, permissions=frozenset({permission}))
        return [scope(one) for one in (of_all, of_one, Principal(user_id=1))]

    return scoped


_LOANS_OF_BRANCH = at_branch(circulation.loan_scope, "circulation.view", "desk")
_PATRONS_OF_BRANCH = at_branch(patron_selectors.patron_scope, "patrons.view", "home")
_OPEN = {"open": lambda: [Choice("true"), Choice("false")]}
RECIPES: dict[CompiledRead, Recipe] = {
    ASSIGNMENTS: Recipe(
        assignments,
        managers,
        {
            "user": lambda: RoleAssignment.objects.exclude(user=None).values_list("user", flat=True)[:2],
            "service_account": lambda: [
                -1,
                *RoleAssignment.objects.exclude(service_account=None).values_list(
                    "service_account", flat=True
                ),
            ],
            "role": lambda: ["reader", *Role.objects.order_by("-pk").values_list("code", flat=True)[:1]],
            "branch": lambda: Branch.objects.order_by("-pk").values_list("code", flat=True)[:1],
            "collection": lambda: Collection.objects.order_by("-pk").values_list("code", flat=True)[:1],
        },
    ),
    BRANCHES: Recipe(branches),
    CATEGORIES: Recipe(categories),
    COLLECTIONS: Recipe(collections),
    ITEM_TYPES: Recipe(item_types),
    RULES: Recipe(rules),
    SERVICE_ACCOUNTS: Recipe(service_accounts),
    LOANS: Recipe(
        loans,
        _LOANS_OF_BRANCH,
        {
            **_OPEN,
            "branch": lambda: ["desk", "none such"],
            "copy_barcode": lambda: Copy.objects.order_by("-pk").values_list("barcode", flat=True)[:1],
            "card_number": lambda: Card.objects.order_by("-pk").values_list("number", flat=True)[:1],
        },
    ),
    LOANS_OF_PATRON: Recipe(
        loans,
        _LOANS_OF_BRANCH,
        {**_OPEN, "patron": lambda: Patron.objects.order_by("-pk").values_list("pk", flat=True)[:1]},
    ),
    PATRONS: Recipe(
        patrons,
        _PATRONS_OF_BRANCH,
        {
            "search": lambda: [
                "Ä%_\\'",
                *Card.objects.order_by("-pk").values_list("number", flat=True)[:1],
                *Patron.objects.order_by("-pk").values_list("name", flat=True)[:1],
            ]
        },
    ),
    PATRON_BY_CARD: Recipe(patrons, _PATRONS_OF_BRANCH),
    TITLES: Recipe(titles, filters={"collection": lambda: ["shelf", "none such"]}),
    TITLE: Recipe(titles, title_scopes),
    VISITS: Recipe(visits),
}
