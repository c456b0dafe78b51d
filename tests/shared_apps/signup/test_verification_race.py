"""Two clicks on one link, and two links for one name, at the same moment.

The race is made certain: whoever is inside provisioning waits there until the database shows that the other one
waits for a lock. The proof is read from the database, not from the answers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from saas.core import clock
from saas.core.tenancy import in_public
from shared_apps.signup import services, tokens
from shared_apps.signup.applications import Application
from shared_apps.signup.models import SignUp
from shared_apps.tenants.models import Library
from tests.database import wait_for_a_waiter


@pytest.fixture
def committed_public(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Really commits in the public schema; what the test made is deleted afterwards."""
    from shared_apps.audit.models import AuditEntry
    from shared_apps.delivery.models import OutboxMessage

    with django_db_blocker.unblock():
        last = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        before = set(OutboxMessage.objects.values_list("pk", flat=True))
        yield
        SignUp.objects.filter(subdomain="harbour").delete()
        Library.objects.filter(subdomain="harbour").delete()
        OutboxMessage.objects.exclude(pk__in=before).delete()
        AuditEntry.objects.filter(pk__gt=last).delete()
        connection.close()


def ask(body: dict[str, Any]) -> str:
    values = {name: value for name, value in body.items() if name != "password"}
    row = services.request_library(
        application=Application(**values), password=body["password"], now=clock.now()
    )
    return tokens.token_for(row.pk, row.token_nonce)


def at_once(actions: list[Callable[[], Any]]) -> list[str]:
    """Run each in a thread with a connection of its own; "ok" or the code of the refusal, in any order."""
    outcomes: list[str] = []

    def run(action: Callable[[], Any]) -> None:
        try:
            action()
            outcomes.append("ok")
        except Exception as error:  # noqa: BLE001  whatever a thread dies of is the result
            outcomes.append(str(getattr(error, "code", repr(error))))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(outcomes)


@pytest.fixture
def slow_inside(quick_provisioning: None, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Provisioning holds its locks until the other one waits for one of them; the list says whether it did."""
    overlapped: list[bool] = []
    monkeypatch.setattr(
        "shared_apps.tenants.services.provisioning.publish",
        lambda **_message: overlapped.append(wait_for_a_waiter()),
    )
    return overlapped


@pytest.mark.slow
def test_two_clicks_at_once_make_one_library(
    committed_public: None, slow_inside: list[bool], body: dict[str, Any]
) -> None:
    token = ask(body)
    outcomes = at_once([lambda: services.verify(token=token, now=clock.now())] * 2)
    assert outcomes == ["ok", "token_used"]
    assert slow_inside == [True]
    with in_public():
        library = Library.objects.get(subdomain="harbour")
        row = SignUp.objects.get(subdomain="harbour")
        assert (row.status, row.library_id) == ("verified", library.id)


@pytest.mark.slow
def test_two_links_for_one_name_at_once_make_one_library(
    committed_public: None, slow_inside: list[bool], body: dict[str, Any]
) -> None:
    first, second = ask(body), ask({**body, "admin_email": "slow@harbour.example"})
    outcomes = at_once(
        [
            lambda: services.verify(token=first, now=clock.now()),
            lambda: services.verify(token=second, now=clock.now()),
        ]
    )
    assert outcomes == ["ok", "subdomain_taken"]
    assert slow_inside == [True]
    with in_public():
        library = Library.objects.get(subdomain="harbour")
        states = SignUp.objects.filter(subdomain="harbour").values_list("status", "library_id")
        assert set(states) == {("verified", library.id), ("pending_verification", None)}
