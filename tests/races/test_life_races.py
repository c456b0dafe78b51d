"""Commands on one library at the same moment: each change is made and recorded once, and the table holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from saas.core import clock
from saas.core.principals import SYSTEM
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from shared_apps.tenants import domain_names
from shared_apps.tenants.models import Domain, FormerSubdomain, Library
from shared_apps.tenants.services import domains, lifecycle
from shared_apps.tenants.services.renaming import rename_library
from tests.races.threads import at_once
from tests.written_records import WrittenRecords

THREADS = 8


@pytest.fixture
def libraries(committed_library: Any, other_committed_library: Any) -> Iterator[tuple[Any, Any]]:
    """Two libraries whose public rows are as before afterwards."""
    yield committed_library, other_committed_library
    for library in (committed_library, other_committed_library):
        Library.objects.filter(pk=library.id).update(
            status="active", subdomain=library.subdomain, suspended_at=None, closed_at=None
        )
    Domain.objects.filter(tenant_id__in=[committed_library.id, other_committed_library.id]).delete()
    FormerSubdomain.objects.all().delete()
    WrittenRecords.records.clear()


def command(change: Callable[..., Any], library: Any) -> Callable[[], Any]:
    return lambda: change(library_id=library.id, reason="", by=SYSTEM, now=clock.now())


@pytest.mark.slow
def test_many_suspensions_are_one(libraries: tuple[Any, Any]) -> None:
    library, _other = libraries
    assert at_once([command(lifecycle.suspend_library, library)] * THREADS) == ["ok"] * THREADS
    assert AuditEntry.objects.filter(action="library.suspended", target_id=str(library.id)).count() == 1
    assert OutboxMessage.objects.filter(payload__action="library.suspended").count() == 1


@pytest.mark.slow
def test_closing_and_suspending_at_once_ends_as_the_table_says(libraries: tuple[Any, Any]) -> None:
    library, _other = libraries
    found = at_once([command(lifecycle.suspend_library, library), command(lifecycle.close_library, library)])
    assert found in (["ok", "ok"], ["invalid_transition", "ok"])
    row = Library.objects.get(pk=library.id)
    assert row.status == "closed"
    # Suspended before it closed, or not at all.
    assert (row.suspended_at is not None) is (found == ["ok", "ok"])


@pytest.mark.slow
def test_two_libraries_want_one_name(libraries: tuple[Any, Any]) -> None:
    def rename(library: Any) -> Callable[[], Any]:
        return lambda: rename_library(library_id=library.id, subdomain="wanted", by=SYSTEM, now=clock.now())

    assert at_once([rename(library) for library in libraries]) == ["ok", "subdomain_taken"]
    assert Library.objects.filter(subdomain="wanted").count() == 1
    assert FormerSubdomain.objects.count() == 1


@pytest.mark.slow
def test_two_libraries_prove_one_domain(libraries: tuple[Any, Any]) -> None:
    rows = [
        domains.add_domain(library_id=library.id, domain="books.example.org", by=SYSTEM, now=clock.now())
        for library in libraries
    ]
    WrittenRecords.records[domain_names.proof_name("books.example.org")] = [
        domain_names.proof_value(row.token) for row in rows
    ]

    def verify(row: Domain) -> Callable[[], Any]:
        return lambda: domains.verify_domain(
            library_id=row.tenant_id, domain_id=row.pk, by=SYSTEM, now=clock.now()
        )

    found = at_once([verify(row) for row in rows])
    assert found in (["ok", "ok"], ["not_found", "ok"])
    assert Domain.objects.filter(domain="books.example.org", proven_at__isnull=False).count() == 1
