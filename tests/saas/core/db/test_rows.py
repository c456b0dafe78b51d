"""A row found by a statement that is composed once is the row that the query set finds."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core.db.errors import WrongLibrary
from saas.core.db.rows import RowBy, row_by
from saas.core.tenancy import in_library
from shared_apps.audit.models import AuditEntry
from tenant_apps.branches.models import Branch
from tenant_apps.branches.selectors import all_branches
from tenant_apps.catalog.models import Copy

pytestmark = pytest.mark.django_db


def test_it_finds_the_row_with_all_its_columns_in_one_query(in_north: Any) -> None:
    Branch.objects.create(code="a" * 40, name="Långt", time_zone="Europe/Rome")
    by_code = RowBy(all_branches, "code")
    for code in ("main", "a" * 40):
        expected = Branch.objects.get(code=code)
        with CaptureQueriesContext(connection) as queries:
            found = by_code.find(code)
        assert len(queries) == 1
        assert isinstance(found, Branch)
        assert vars(found).keys() == vars(expected).keys()
        assert {n: v for n, v in vars(found).items() if n != "_state"} == {
            n: v for n, v in vars(expected).items() if n != "_state"
        }
        found.name = "Elsewhere"
        found.save()
        assert Branch.objects.get(code=code).name == "Elsewhere"


@pytest.mark.parametrize("code", ["", "MAIN", "main ", "nothing", "a" * 41, "a" * 255, "%s", "'; --", "ma%"])
def test_what_is_not_there_is_not_found(in_north: Any, code: str) -> None:
    # (cut to the length of the column it would be there)
    Branch.objects.create(code="a" * 40, name="Long", time_zone="Europe/Rome")
    assert RowBy(all_branches, "code").find(code) is None


def test_each_library_is_asked_for_its_own_row(north: Any, south: Any) -> None:
    by_code = row_by(all_branches, "code")
    with in_library(north):
        Branch.objects.filter(code="main").update(name="North's")
        of_north = by_code.find("main")
    with in_library(south):
        of_south = by_code.find("main")
        assert of_south is not None
        with pytest.raises(WrongLibrary):
            Copy.objects.filter(home_branch=of_north).exists()
        with pytest.raises(WrongLibrary):
            of_north.save()
    assert of_north.name == "North's" != of_south.name


def test_a_query_set_that_is_more_than_columns_is_asked_the_ordinary_way(in_north: Any) -> None:
    AuditEntry.objects.create(
        at="2026-11-20T09:30:00Z", action="x.happened", actor_kind="system", changes={"a": 1}
    )
    found = RowBy(AuditEntry.objects.all, "action").find("x.happened")
    assert found is not None
    assert found.changes == {"a": 1}
    filtered = RowBy(lambda: Branch.objects.exclude(code="main"), "code")
    assert filtered.find("main") is None
    related = RowBy(lambda: Copy.objects.select_related("title"), "barcode")
    assert related.find("nothing") is None
