"""Two desks at once, in threads with transactions that really commit.

Each race is run several times, with the contenders released together by a barrier. The forced ones at the end stop
one contender inside its transaction, so that the order is certain and not a matter of luck.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from saas.core.errors import DomainError
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from tenant_apps.circulation.models import Loan, LoanRule
from tenant_apps.circulation.services import check_out, checkout, return_copy
from tenant_apps.patrons.services import report_card_lost
from tests.database import somebody_waits
from tests.tenant_apps.circulation.factories import NOW, CopyFactory, PatronFactory, main_branch

ROUNDS = 5
LATER = NOW + dt.timedelta(hours=1)
TIMEOUT = 20


def lend(barcode: str, card: str) -> Loan:
    line = check_out(copy_barcode=barcode, card_number=card, branch=main_branch(), by=SYSTEM, now=NOW).loan
    return Loan.objects.get(pk=line.pk)


def take_back(barcode: str) -> str:
    return return_copy(copy_barcode=barcode, branch=main_branch(), by=SYSTEM, now=LATER).action


def outcome_of(library: Any, act: Callable[[], object], wait: Callable[[], object] = lambda: None) -> str:
    """Run `act` in the library on this thread's own connection: "done", or the code of the refusal."""
    try:
        with in_library(library):
            wait()
            act()
            return "done"
    except DomainError as error:
        return error.code
    finally:
        connection.close()


def race(library: Any, *acts: Callable[[], object]) -> list[str]:
    """The outcomes of all acts, started together."""
    barrier = threading.Barrier(len(acts), timeout=TIMEOUT)
    with ThreadPoolExecutor(len(acts)) as pool:
        runs = [pool.submit(outcome_of, library, act, barrier.wait) for act in acts]
        return [run.result(TIMEOUT) for run in runs]


def open_loans() -> int:
    return Loan.objects.filter(returned_at=None).count()


def written_for_loans() -> tuple[int, int, int]:
    """Loans, their audit entries and their events: always equal numbers."""
    return (
        Loan.objects.count(),
        AuditEntry.objects.filter(action="loan.created").count(),
        OutboxMessage.objects.filter(kind="loan.created").count(),
    )


def test_one_copy_is_lent_to_exactly_one_of_two_patrons(committed_library: Any) -> None:
    with in_library(committed_library):
        for number in range(ROUNDS):
            CopyFactory(barcode=f"B{number}")
        PatronFactory(card="C1")
        PatronFactory(card="C2")

    for number in range(ROUNDS):
        barcode = f"B{number}"
        outcomes = race(committed_library, lambda: lend(barcode, "C1"), lambda: lend(barcode, "C2"))  # noqa: B023
        assert sorted(outcomes) == ["copy_on_loan", "done"]

    with in_library(committed_library):
        assert written_for_loans() == (ROUNDS, ROUNDS, ROUNDS)


def test_s6_the_last_allowed_loan_goes_to_exactly_one_of_two_desks(committed_library: Any) -> None:
    with in_library(committed_library):
        LoanRule.objects.filter(name="loan_limit").update(value=1)
        for number in range(ROUNDS):
            PatronFactory(card=f"C{number}")
            CopyFactory(barcode=f"A{number}")
            CopyFactory(barcode=f"B{number}")

    for number in range(ROUNDS):
        card, at = f"C{number}", number
        outcomes = race(committed_library, lambda: lend(f"A{at}", card), lambda: lend(f"B{at}", card))  # noqa: B023
        assert sorted(outcomes) == ["done", "limit_reached"]

    with in_library(committed_library):
        assert written_for_loans() == (ROUNDS, ROUNDS, ROUNDS)


def test_two_copies_for_two_patrons_do_not_wait_for_each_other(committed_library: Any) -> None:
    """The positive control: the locks refuse nobody who is in nobody's way."""
    with in_library(committed_library):
        for number in range(4):
            PatronFactory(card=f"C{number}")
            CopyFactory(barcode=f"B{number}")

    acts = [lambda number=number: lend(f"B{number}", f"C{number}") for number in range(4)]
    assert race(committed_library, *acts) == ["done"] * 4


def test_two_patrons_who_swap_copies_do_not_lock_each_other_out(committed_library: Any) -> None:
    """Copy first, patron second, for everybody: no circle of waiting, whatever is scanned in which order."""
    with in_library(committed_library):
        for name in ("1", "2"):
            PatronFactory(card=f"C{name}")
            for number in range(ROUNDS):
                CopyFactory(barcode=f"{name}-{number}")

    for number in range(ROUNDS):
        at = number
        outcomes = race(
            committed_library,
            lambda: lend(f"1-{at}", "C1"),  # noqa: B023
            lambda: lend(f"1-{at}", "C2"),  # noqa: B023
            lambda: lend(f"2-{at}", "C1"),  # noqa: B023
            lambda: lend(f"2-{at}", "C2"),  # noqa: B023
        )
        assert Counter(outcomes) == {"done": 2, "copy_on_loan": 2}


def test_a_return_and_a_checkout_at_once_leave_one_true_story(committed_library: Any) -> None:
    with in_library(committed_library):
        CopyFactory(barcode="B")
        PatronFactory(card="C1")
        PatronFactory(card="C2")
        lend("B", "C1")

    for number in range(ROUNDS):
        card = "C2" if number % 2 == 0 else "C1"
        returned, lent = race(committed_library, lambda: take_back("B"), lambda: lend("B", card))  # noqa: B023
        assert returned == "done"
        with in_library(committed_library):
            if (
                lent == "copy_on_loan"
            ):  # the checkout came first and saw the loan; the return closed it afterwards
                assert open_loans() == 0
                lend("B", card)
            assert lent in {"done", "copy_on_loan"}
            assert Loan.objects.filter(returned_at=None).get().card_number == card
            closed = Loan.objects.exclude(returned_at=None)
            assert closed.count() == number + 1


def test_two_returns_at_once_close_the_loan_once(committed_library: Any) -> None:
    with in_library(committed_library):
        CopyFactory(barcode="B")
        PatronFactory(card="C1")
        loan = lend("B", "C1")

    assert race(committed_library, lambda: take_back("B"), lambda: take_back("B")) == ["done", "done"]

    with in_library(committed_library):
        loan.refresh_from_db()
        assert (loan.version, loan.returned_at) == (2, LATER)
        assert AuditEntry.objects.filter(action="loan.returned").count() == 1
        assert AuditEntry.objects.filter(action="copy.used_in_house").count() == 1
        assert OutboxMessage.objects.filter(kind="loan.returned").count() == 1


def test_one_key_sent_by_two_connections_lends_once(committed_library: Any, api: Callable[..., Any]) -> None:
    """A kiosk that repeats a message before the first answer is there (S64)."""
    with in_library(committed_library):
        PatronFactory(card="C1")
        for number in range(ROUNDS):
            CopyFactory(barcode=f"B{number}")
    clients = [api(committed_library, "librarian") for _ in range(2)]
    connection.close()

    for number in range(ROUNDS):
        body = {"copy_barcode": f"B{number}", "card_number": "C1", "branch": "main"}
        answers = posted_together(clients, body, f"scan-{number}")
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()
        assert sorted("Idempotent-Replayed" in answer for answer in answers) == [False, True]

    with in_library(committed_library):
        assert written_for_loans() == (ROUNDS, ROUNDS, ROUNDS)


def posted_together(clients: list[Any], body: dict[str, str], key: str) -> list[Any]:
    barrier = threading.Barrier(len(clients), timeout=TIMEOUT)

    def post(client: Any) -> Any:
        try:
            barrier.wait()
            return client.post("/api/v1/loans/", body, HTTP_IDEMPOTENCY_KEY=key)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(clients)) as pool:
        return [run.result(TIMEOUT) for run in [pool.submit(post, client) for client in clients]]


class Held:
    """Stops the first caller of a function inside its transaction until `release`; later ones pass."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
        self.inside, self._go = threading.Event(), threading.Event()
        self._original = getattr(module, name)
        self._first = threading.Lock()
        monkeypatch.setattr(module, name, self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._first.acquire(blocking=False):
            self.inside.set()
            assert self._go.wait(TIMEOUT)
        return self._original(*args, **kwargs)

    def release(self) -> None:
        self._go.set()


def until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(TIMEOUT * 100):
        if condition():
            return
        pause.wait(0.01)
    pytest.fail("it never happened")


def test_the_second_desk_waits_and_then_looks_again(
    committed_library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the second desk decides by is read after the first has committed, not before it began to wait."""
    with in_library(committed_library):
        LoanRule.objects.filter(name="loan_limit").update(value=1)
        PatronFactory(card="C1")
        CopyFactory(barcode="A")
        CopyFactory(barcode="B")
    held = Held(monkeypatch, checkout, "_terms")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(outcome_of, committed_library, lambda: lend("A", "C1"))
        assert held.inside.wait(TIMEOUT)
        second = pool.submit(outcome_of, committed_library, lambda: lend("B", "C1"))
        until(somebody_waits)
        held.release()

        assert (first.result(TIMEOUT), second.result(TIMEOUT)) == ("done", "limit_reached")


def test_a_card_reported_lost_while_the_desk_waits_is_refused(
    committed_library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_library(committed_library):
        PatronFactory(card="C1")
        CopyFactory(barcode="A")
    from tenant_apps.patrons.services import cards

    held = Held(monkeypatch, cards.audit, "record")

    with ThreadPoolExecutor(2) as pool:
        report = pool.submit(
            outcome_of, committed_library, lambda: report_card_lost(card_number="C1", by=SYSTEM, now=NOW)
        )
        assert held.inside.wait(TIMEOUT)
        loan = pool.submit(outcome_of, committed_library, lambda: lend("A", "C1"))
        until(somebody_waits)
        held.release()

        assert (report.result(TIMEOUT), loan.result(TIMEOUT)) == ("done", "patron_blocked")
    with in_library(committed_library):
        assert open_loans() == 0
