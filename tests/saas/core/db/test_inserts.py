"""Rows that are inserted by compiled statements are those that `save` would have written."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext

from saas.core import clock
from saas.core.db.inserts import insert
from saas.core.tenancy import WrongLibrary, in_library
from shared_apps.audit.models import AuditEntry
from shared_apps.tenants.models import Library
from tenant_apps.access.models import Role
from tenant_apps.branches.models import Branch

NOW = clock.now()


def entry(action: str = "thing.done") -> AuditEntry:
    return AuditEntry(
        at=NOW, action=action, actor_kind="system", changes={"name": "O'Hara %s", "n": [1, None]}
    )


def test_a_row_is_the_same_as_a_saved_one(in_north: Any) -> None:
    saved, inserted = entry(), entry()
    saved.save()
    insert(inserted)
    assert inserted.pk == saved.pk + 1
    stored = AuditEntry.objects.get(pk=inserted.pk)
    expected = {**model_to_dict(AuditEntry.objects.get(pk=saved.pk)), "id": inserted.pk}
    assert model_to_dict(stored) == expected


def test_several_rows_take_one_statement_and_keep_their_order(in_north: Any) -> None:
    rows = [entry(f"thing.done_{number}") for number in range(3)]
    with CaptureQueriesContext(connection) as queries:
        insert(*rows)
    assert len(queries) == 1
    assert [AuditEntry.objects.get(pk=row.pk).action for row in rows] == [row.action for row in rows]
    with CaptureQueriesContext(connection) as queries:
        insert()
    assert len(queries) == 0


def test_an_inserted_row_is_changed_by_saving_it(in_north: Any) -> None:
    branch = Branch(code="quay", name="Quay", time_zone="UTC")
    insert(branch)
    branch.name = "Quayside"
    branch.save()
    assert list(Branch.objects.filter(code="quay").values_list("pk", "name")) == [(branch.pk, "Quayside")]


def test_a_key_that_was_given_is_kept(db: None) -> None:
    library = Library(schema_name="lib_given", subdomain="given", name="Given", created_at=NOW)
    given = library.pk
    insert(library)
    assert Library.objects.get(subdomain="given").pk == given


def test_what_the_database_refuses_is_not_there(in_north: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(Role(code="new", name="New"), Role(code="admin", name="Again"))
    assert not Role.objects.filter(code="new").exists()


def test_an_inserted_row_belongs_to_its_library(north: Any, south: Any) -> None:
    branch = Branch(code="quay", name="Quay", time_zone="UTC")
    with in_library(north):
        insert(branch)
    with in_library(south), pytest.raises(WrongLibrary):
        branch.save()


def test_a_row_of_another_library_is_refused_before_it_is_written(north: Any, south: Any) -> None:
    with in_library(north):
        branch = Branch.objects.get()
    branch.code = "north-pole"
    with in_library(south):
        with pytest.raises(WrongLibrary):
            insert(branch)
        insert(Branch(code="pole", name="Pole", time_zone="UTC"))
        assert list(Branch.objects.filter(code__endswith="pole").values_list("code", flat=True)) == ["pole"]
