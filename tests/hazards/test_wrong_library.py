"""Rows and query sets of one library are refused in another, before anything is read or written there."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Count, prefetch_related_objects
from django.utils import timezone
from guardian.models import UserObjectPermission

from saas.core.tenancy import WrongLibrary, in_library
from shared_apps.accounts.models import User
from tenant_apps.branches.models import Branch
from tenant_apps.circulation.models import LoanRule
from tenant_apps.patrons.models import Patron, PatronCategory

Rows = dict[str, list[Any]]
MODELS = (Branch, LoanRule, Patron, PatronCategory, Group, User.groups.through, UserObjectPermission)


@pytest.fixture(autouse=True)
def both(north: Any, south: Any) -> None:
    """The same rows with equal ids in both libraries, each with the name of its own."""
    for library in (north, south):
        with in_library(library):
            Branch.objects.create(pk=9001, code="twin", name=library.subdomain, time_zone="UTC")
            category = PatronCategory.objects.create(pk=9001, code="twin", name=library.subdomain)
            Branch.objects.create(pk=9002, code="lone", name=library.subdomain, time_zone="UTC")
            Group.objects.create(pk=9001, name="twin")
            Patron.objects.create(
                pk=9001,
                name=library.subdomain,
                category=category,
                home_branch=Branch.objects.get(pk=9001),
                created_at=timezone.now(),
            )


def everything(library: Any) -> Rows:
    """All rows of the models concerned, as the library holds them now."""
    with in_library(library):
        return {model.__name__: list(model.objects.order_by("pk").values()) for model in MODELS}


def twin() -> Branch:
    return Branch.objects.get(pk=9001)


def lone() -> Any:
    """A query set of one row to which nothing refers."""
    return Branch.objects.filter(code="lone")


# -- query sets -------------------------------------------------------------------------------------------------------------

EVALUATIONS: dict[str, Callable[[Any], Any]] = {
    "list": list,
    "len": len,
    "bool": bool,
    "repr": repr,
    "get": lambda rows: rows.get(),
    "first": lambda rows: rows.first(),
    "index": lambda rows: rows[0],
    "count": lambda rows: rows.count(),
    "exists": lambda rows: rows.exists(),
    "contains": lambda rows: rows.contains(Branch(pk=9002)),
    "aggregate": lambda rows: rows.aggregate(Count("pk")),
    "in_bulk": lambda rows: rows.in_bulk([9002]),
    "iterator": lambda rows: list(rows.iterator()),
    "values_list": lambda rows: list(rows.values_list("name")),
    "dates": lambda rows: list(rows.values("name").distinct()),
    "explain": lambda rows: rows.explain(),
    "refined": lambda rows: list(rows.filter(pk__gt=0).order_by("name")),
    "union": lambda rows: list(rows.union(rows.all())),
    "update": lambda rows: rows.update(name="taken over"),
    "delete": lambda rows: rows.delete(),
    "create": lambda rows: rows.create(code="new", name="new", time_zone="UTC"),
    "get_or_create": lambda rows: rows.get_or_create(code="lone"),
    "update_or_create": lambda rows: rows.update_or_create({"name": "taken over"}, code="lone"),
    "bulk_create": lambda rows: rows.bulk_create([Branch(code="new", name="new", time_zone="UTC")]),
    "pickled": pickle.dumps,
    "copied": lambda rows: list(copy.copy(rows)),
    "deeply copied": lambda rows: list(copy.deepcopy(rows)),
}


@pytest.mark.parametrize("evaluate", EVALUATIONS.values(), ids=EVALUATIONS)
def test_a_query_set_of_one_library_is_not_evaluated_in_another(
    north: Any, south: Any, evaluate: Callable[[Any], Any]
) -> None:
    before = everything(north), everything(south)
    with in_library(north):
        rows = lone()
    with in_library(south), pytest.raises(WrongLibrary):
        evaluate(rows)
    assert (everything(north), everything(south)) == before
    with in_library(north):
        evaluate(rows)


def test_a_query_set_that_was_evaluated_at_home_keeps_its_rows(north: Any, south: Any) -> None:
    with in_library(north):
        rows = lone()
        assert [branch.name for branch in rows] == ["north"]
    with in_library(south):
        assert [branch.name for branch in rows] == ["north"]
        with pytest.raises(WrongLibrary):
            list(rows.all())


def test_a_query_set_within_another_is_looked_at_too(north: Any, south: Any) -> None:
    with in_library(north):
        rows = Branch.objects.filter(code="twin").values("pk")
        assert Patron.objects.filter(home_branch__in=rows).count() == 1
    with in_library(south):
        with pytest.raises(WrongLibrary):
            list(Patron.objects.filter(home_branch__in=rows))
        assert Patron.objects.filter(home_branch__in=Branch.objects.values("pk")).count() == 1


def test_a_raw_query_set_of_one_library_is_not_evaluated_in_another(north: Any, south: Any) -> None:
    with in_library(north):
        rows = Branch.objects.raw("SELECT * FROM branches_branch WHERE code = 'twin'")
    with in_library(south), pytest.raises(WrongLibrary):
        list(rows)
    with in_library(north):
        assert [branch.name for branch in rows] == ["north"]


# -- instances --------------------------------------------------------------------------------------------------------------


def _related_in_a_filter(branch: Branch) -> None:
    list(Patron.objects.filter(home_branch=branch))


def _assigned_and_saved(branch: Branch) -> None:
    patron = Patron.objects.get(pk=9001)
    patron.home_branch = branch
    patron.save()


def _created_with(branch: Branch) -> None:
    LoanRule.objects.create(branch=branch, name="loan_days", value=1)


def _bulk_created_with(branch: Branch) -> None:
    LoanRule.objects.bulk_create([LoanRule(branch=branch, name="loan_days", value=1)])


def _bulk_updated_with(branch: Branch) -> None:
    patron = Patron.objects.get(pk=9001)
    patron.home_branch = branch
    Patron.objects.bulk_update([patron], ["home_branch"])


def _updated_with(branch: Branch) -> None:
    Patron.objects.filter(pk=9001).update(home_branch=branch)


def _granted_on(branch: Branch) -> None:
    """A reference that knows the row's number and kind alone (a generic foreign key)."""
    grant = UserObjectPermission(
        user=User.objects.order_by("pk")[0],
        permission=Permission.objects.get(codename="change_branch"),
        content_type=ContentType.objects.get_for_model(Branch),
        object_pk=str(branch.pk),
    )
    grant.content_object = branch
    grant.save()


def _saved(branch: Branch) -> None:
    branch.name = "taken over"
    branch.save()


def _saved_in_part(branch: Branch) -> None:
    branch.name = "taken over"
    branch.save(update_fields=["name"])


def _bulk_updated(branch: Branch) -> None:
    branch.name = "taken over"
    Branch.objects.bulk_update([branch], ["name"])


USES: dict[str, Callable[[Branch], Any]] = {
    "save": _saved,
    "save in part": _saved_in_part,
    "delete": lambda branch: branch.delete(),
    "refresh": lambda branch: branch.refresh_from_db(),
    "bulk_update": _bulk_updated,
    "bulk_create": lambda branch: Branch.objects.bulk_create([branch], ignore_conflicts=True),
    "bulk_create, one by one": lambda branch: Branch.objects.bulk_create(
        (row for row in [branch]), ignore_conflicts=True
    ),
    "bulk_update, one by one": lambda branch: Branch.objects.bulk_update((row for row in [branch]), ["name"]),
    "a copy": lambda branch: _saved(copy.deepcopy(branch)),
    "thawed": lambda branch: _saved(pickle.loads(pickle.dumps(branch))),  # noqa: S301
    "related, filtered by": _related_in_a_filter,
    "related, in a list": lambda branch: list(Patron.objects.filter(home_branch__in=[branch])),
    "related, one by one": lambda branch: list(Patron.objects.filter(home_branch__in=iter([branch]))),
    "related, left out": lambda branch: list(Patron.objects.exclude(home_branch=branch)),
    "related, saved": _assigned_and_saved,
    "related, granted on": _granted_on,
    "related, created with": _created_with,
    "related, bulk_create": _bulk_created_with,
    "related, bulk_update": _bulk_updated_with,
    "related, update": _updated_with,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_row_of_one_library_is_of_no_use_in_another(
    north: Any, south: Any, use: Callable[[Branch], Any]
) -> None:
    before = everything(north), everything(south)
    with in_library(north):
        branch = twin()
    with in_library(south), pytest.raises(WrongLibrary), transaction.atomic():
        use(branch)
    assert (everything(north), everything(south)) == before


OWN_USES = {name: use for name, use in USES.items() if not name.startswith(("delete", "bulk_create"))}


@pytest.mark.parametrize("use", OWN_USES.values(), ids=OWN_USES)
def test_at_home_it_is(north: Any, south: Any, use: Callable[[Branch], Any]) -> None:
    before = everything(south)
    with in_library(north):
        use(twin())
    assert everything(south) == before


def test_what_hangs_on_a_row_is_not_read_elsewhere(north: Any, south: Any) -> None:
    with in_library(north):
        patron = Patron.objects.get(pk=9001)
        partial = Branch.objects.defer("name").get(pk=9001)
        user = User.objects.get(email="librarian@north.example")
    reads: list[Callable[[], Any]] = [
        lambda: patron.home_branch,
        lambda: partial.name,
        lambda: list(patron.cards.all()),
        lambda: list(user.groups.all()),
        lambda: prefetch_related_objects([patron], "cards"),
    ]
    with in_library(south):
        for read in reads:
            with pytest.raises(WrongLibrary):
                read()
    with in_library(north):
        assert (patron.home_branch.name, partial.name) == ("north", "north")
        assert list(patron.cards.all()) == []
        # The group of the role that the librarian holds.
        assert user.groups.count() == 1


@pytest.mark.parametrize("join", ["add", "set", "add from the other side"])
def test_rows_of_two_libraries_are_not_joined(north: Any, south: Any, join: str) -> None:
    before = everything(north), everything(south)
    with in_library(north):
        group = Group.objects.get(pk=9001)
    with in_library(south):
        user = User.objects.get(email="librarian@south.example")
        with pytest.raises(WrongLibrary), transaction.atomic():
            if join == "add":
                user.groups.add(group)
            elif join == "set":
                user.groups.set([group])
            else:
                group.user_set.add(user)
    assert (everything(north), everything(south)) == before
    with in_library(south):
        own = set(user.groups.values_list("pk", flat=True))
        user.groups.add(Group.objects.get(pk=9001))
        assert set(user.groups.values_list("pk", flat=True)) - own == {9001}
