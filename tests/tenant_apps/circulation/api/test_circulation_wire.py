"""What a scan sends to PostgreSQL, counted on the wire: transaction commands and the caller's statement too."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from celery import current_app
from django.db import connection

from saas.core.tenancy import hosts, in_library
from shared_apps.delivery.services import waking
from tests.benchmarks.requests.trace import statements_in
from tests.tenant_apps.circulation.factories import BranchFactory, CopyFactory, PatronFactory

CHECKOUT, RETURN, WITH_KEY = 8, 7, 4


@contextmanager
def traced(found: dict[str, Any]) -> Iterator[None]:
    """Fill `found` with what the block sends on this thread's connection."""
    pgconn = cast(Any, connection.connection).pgconn
    with tempfile.TemporaryFile() as file:
        pgconn.trace(file.fileno())
        try:
            yield
        finally:
            pgconn.untrace()
        file.seek(0)
        found |= statements_in(file.read().decode(errors="replace"))


@pytest.fixture
def post(committed_library: Any, api: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Posts as a librarian; the statements that took, once everything has been prepared by the like of it."""
    # As in production: the library is not looked up for each request.
    monkeypatch.setattr(hosts, "_cache", hosts.HostCache(10, 60, 60))
    monkeypatch.setitem(current_app.conf, "task_always_eager", False)
    monkeypatch.setattr(waking.waker, "wake", lambda _library: None)
    with in_library(committed_library):
        PatronFactory(card="C1")
        BranchFactory(code="harbour")
        for number in range(4):
            CopyFactory(barcode=f"B{number}")
    client = api(committed_library, "librarian")

    def act(path: str, key: str | None = None, **body: str) -> int:
        found: dict[str, Any] = {}
        headers = {} if key is None else {"HTTP_IDEMPOTENCY_KEY": key}
        with traced(found):
            answer = client.post(path, body, **headers)
        assert answer.status_code == 201, answer.content
        return int(found["statements"])

    client.get("/api/v1/loans/")
    act("/api/v1/loans/", copy_barcode="B0", card_number="C1", branch="main")
    act("/api/v1/returns/", copy_barcode="B0", branch="main")
    return act


@pytest.mark.parametrize("branch", ["main", "harbour"])
def test_a_checkout(post: Any, branch: str) -> None:
    """Caller, branch, BEGIN, two locks, facts, one write, COMMIT; also where it moves the copy."""
    counts = [
        post("/api/v1/loans/", copy_barcode=f"B{number}", card_number="C1", branch=branch)
        for number in range(3)
    ]
    assert max(counts) <= CHECKOUT


@pytest.mark.parametrize("branch", ["main", "harbour"])
def test_a_return(post: Any, branch: str) -> None:
    """Caller, branch, BEGIN, one lock, facts, one write, COMMIT; also of a copy that was not out."""
    post("/api/v1/loans/", copy_barcode="B1", card_number="C1", branch="main")
    counts = [post("/api/v1/returns/", copy_barcode="B1", branch=branch) for _ in range(2)]
    assert max(counts) <= RETURN


def test_an_idempotency_key_adds_its_claim_a_savepoint_and_the_answer(post: Any) -> None:
    count = post("/api/v1/loans/", key="k1", copy_barcode="B1", card_number="C1", branch="main")
    assert count <= CHECKOUT + WITH_KEY
