"""Two desks that take back one copy, in a certain order: the second is stopped while the first one is inside."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from saas.core.tenancy import in_library
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from tenant_apps.circulation.services import returns
from tests.database import somebody_waits
from tests.races.test_checkout_races import (
    TIMEOUT,
    Held,
    lend,
    outcome_of,
    take_back,
    until,
)
from tests.tenant_apps.circulation.factories import CopyFactory, PatronFactory


def test_the_second_return_waits_and_finds_the_copy_back(
    committed_library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loan is read under the copy's lock: read before, both desks would close it and tell of it."""
    with in_library(committed_library):
        CopyFactory(barcode="B")
        PatronFactory(card="C1")
        loan = lend("B", "C1")
    held = Held(monkeypatch, returns, "_decide")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(outcome_of, committed_library, lambda: take_back("B"))
        assert held.inside.wait(TIMEOUT)
        second = pool.submit(outcome_of, committed_library, lambda: take_back("B"))
        until(somebody_waits)
        held.release()
        assert (first.result(TIMEOUT), second.result(TIMEOUT)) == ("done", "done")

    with in_library(committed_library):
        loan.refresh_from_db()
        assert loan.version == 2
        assert AuditEntry.objects.filter(action="loan.returned").count() == 1
        assert AuditEntry.objects.filter(action="copy.used_in_house").count() == 1
        assert OutboxMessage.objects.filter(kind="loan.returned").count() == 1
