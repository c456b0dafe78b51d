"""Entries are written with the change, name who and what, and keep personal values apart."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from saas.core.logging import start_log_context
from saas.core.principals import ANONYMOUS, SYSTEM, Actor
from saas.core.tenancy import in_library
from shared_apps.audit.models import AuditEntry, AuditPersonalValues
from shared_apps.audit.services import record
from tenant_apps.branches.models import Branch


def test_an_entry_says_who_did_what_to_which_row(in_north: Any) -> None:
    start_log_context("request-12345678")
    branch = Branch.objects.get(code="main")
    entry = record(
        action="branch.changed", by=Actor("person", 7), target=branch, changes={"name": ["a", "b"]}
    )
    entry.refresh_from_db()
    assert (entry.actor_kind, entry.actor_user_id) == ("person", 7)
    assert (entry.target_type, entry.target_id) == ("branches.branch", str(branch.pk))
    assert entry.request_id == "request-12345678"
    assert entry.changes == {"name": ["a", "b"]}
    assert str(entry) == f"branch.changed branches.branch {branch.pk}"


def test_the_longest_request_id_that_is_taken_fits(in_north: Any) -> None:
    longest = "r" * 128
    assert start_log_context(longest) == longest
    entry = record(action="x.happened", by=SYSTEM)
    entry.refresh_from_db()
    assert entry.request_id == longest


def test_personal_values_stand_apart_and_can_be_erased(in_north: Any) -> None:
    entry = record(action="patron.created", by=SYSTEM, personal={"name": "Rita"})
    assert "Rita" not in str(entry.changes)
    assert AuditPersonalValues.objects.get(entry=entry).values == {"name": "Rita"}
    AuditPersonalValues.objects.filter(entry=entry).delete()
    assert AuditEntry.objects.filter(pk=entry.pk).exists()


def test_an_entry_without_personal_values_has_no_side_row(in_north: Any) -> None:
    entry = record(action="x.happened", by=ANONYMOUS)
    assert not AuditPersonalValues.objects.filter(entry=entry).exists()


def test_it_goes_with_the_transaction(in_north: Any) -> None:
    before = AuditEntry.objects.count()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record(action="x.happened", by=SYSTEM)
        raise ZeroDivisionError
    assert AuditEntry.objects.count() == before


def test_each_library_and_the_public_site_have_their_own_log(north: Any, south: Any) -> None:
    with in_library(north):
        record(action="only.north", by=SYSTEM)
    with in_library(south):
        assert not AuditEntry.objects.filter(action="only.north").exists()
    assert not AuditEntry.objects.filter(action="only.north").exists()
