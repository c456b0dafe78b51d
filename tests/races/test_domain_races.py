"""Two libraries prove one name at the same moment: it leads to one of them, and nobody is left half."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from saas.core.principals import SYSTEM
from saas.core.tenancy import in_public
from shared_apps.audit.models import AuditEntry
from shared_apps.tenants import domain_names
from shared_apps.tenants.models import Domain
from shared_apps.tenants.services import domains
from tests.database import wait_for_a_waiter
from tests.written_records import WrittenRecords

NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)
NAME = "race.example.org"


@pytest.fixture
def claims(committed_library: Any, other_committed_library: Any) -> Iterator[list[Domain]]:
    """The name in the lists of two libraries, each with its token in the DNS."""
    with in_public():
        rows = [
            domains.add_domain(library_id=library.id, domain=NAME, by=SYSTEM, now=NOW)
            for library in (committed_library, other_committed_library)
        ]
        WrittenRecords.records[domain_names.proof_name(NAME)] = [
            domain_names.proof_value(row.token) for row in rows
        ]
        yield rows
        WrittenRecords.records.clear()
        Domain.objects.filter(domain=NAME).delete()


@pytest.mark.slow
def test_of_two_that_prove_a_name_at_once_one_has_it(
    claims: list[Domain], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first holds its locks until the other one waits for them; so the second has it in the end."""
    overlapped: list[bool] = []
    first = threading.Lock()
    note = domains.note

    def slow_note(*args: Any, **kwargs: Any) -> None:
        if first.acquire(blocking=False):
            overlapped.append(wait_for_a_waiter())
        note(*args, **kwargs)

    def prove(row: Domain) -> None:
        try:
            domains.verify_domain(library_id=row.tenant_id, domain_id=row.pk, by=SYSTEM, now=NOW)
        finally:
            connection.close()

    tokens = {row.pk: row.token for row in claims}
    monkeypatch.setattr(domains, "note", slow_note)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(prove, claims))
    assert overlapped == [True]
    (winner,) = Domain.objects.filter(domain=NAME, proven_at__isnull=False)
    (loser,) = Domain.objects.filter(domain=NAME, proven_at=None)
    assert winner.token == tokens[winner.pk]
    assert loser.token != tokens[loser.pk], "a record that was left standing takes nothing back"
    told = (
        AuditEntry.objects.filter(action__startswith="domain.")
        .order_by("pk")
        .values_list("action", flat=True)
    )
    assert list(told)[-3:] == ["domain.proven", "domain.moved_away", "domain.proven"]
