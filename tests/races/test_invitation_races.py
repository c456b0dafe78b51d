"""One link in many hands at once, in threads with transactions that really commit."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from saas.core import clock
from saas.core.errors import DomainError
from saas.core.principals import Principal
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry
from tenant_apps.access.models import RoleAssignment
from tenant_apps.access.selectors import load_principal
from tenant_apps.keys.models import ApiKey
from tenant_apps.members import services
from tenant_apps.members.models import Invitation
from tenant_apps.members.rules import token_for
from tests import factories
from tests.database import wait_for_a_waiter
from tests.tenant_apps.keys.makers import key_client, make_key

THREADS, TIMEOUT = 8, 30
PASSWORD = "seven wild ponies sing"


def outcome_of(library: Any, act: Callable[[], object], wait: Callable[[], object]) -> str:
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


def race(library: Any, *acts: Callable[[], object]) -> Counter[str]:
    """The outcomes of all acts, started together."""
    barrier = threading.Barrier(len(acts), timeout=TIMEOUT)
    with ThreadPoolExecutor(len(acts)) as pool:
        runs = [pool.submit(outcome_of, library, act, barrier.wait) for act in acts]
        return Counter(run.result(TIMEOUT) for run in runs)


def accept(token: str, caller: Principal | None = None) -> Callable[[], object]:
    return lambda: services.accept_invitation(
        token=token, password=PASSWORD, caller=caller or Principal(), now=clock.now()
    )


def test_one_link_makes_one_account_and_gives_one_role(committed_library: Any) -> None:
    with in_library(committed_library):
        row = factories.InvitationFactory()
    outcomes = race(committed_library, *[accept(token_for_row(committed_library, row))] * THREADS)
    assert outcomes == {"done": 1, "token_used": THREADS - 1}
    with in_library(committed_library):
        (user,) = User.objects.filter(email=row.email)
        assert RoleAssignment.objects.filter(user=user).count() == 1
        assert AuditEntry.objects.filter(action="invitation.accepted").count() == 1
        assert Invitation.objects.get(pk=row.pk).accepted_by_id == user.pk


def test_two_links_for_one_address_make_one_account(committed_library: Any) -> None:
    with in_library(committed_library):
        rows = [factories.InvitationFactory(email="twice@people.example") for _ in range(2)]
    tokens = [token_for_row(committed_library, row) for row in rows]
    outcomes = race(committed_library, *(accept(token) for token in tokens))
    assert outcomes == {"done": 1, "sign_in_to_accept": 1}
    with in_library(committed_library):
        assert User.objects.filter(email="twice@people.example").count() == 1
        # The other one waits for its owner to sign in.
        assert Invitation.objects.filter(accepted_at=None).count() == 1


def test_the_owner_of_an_account_accepts_once(committed_library: Any) -> None:
    with in_library(committed_library):
        reader = User.objects.get(email=f"reader@{committed_library.subdomain}.example")
        row = factories.InvitationFactory(email=reader.email, role=role("librarian"))
        caller = load_principal(reader.pk)
    token = token_for_row(committed_library, row)
    assert race(committed_library, *[accept(token, caller)] * THREADS) == {
        "done": 1,
        "token_used": THREADS - 1,
    }
    with in_library(committed_library):
        assert RoleAssignment.objects.filter(user=reader, role__code="librarian").count() == 1


def test_a_link_that_is_withdrawn_while_it_is_accepted_gives_nothing_afterwards(
    committed_library: Any,
) -> None:
    """Whoever comes first is believed, and both cannot be."""
    with in_library(committed_library):
        admin = User.objects.get(email=f"admin@{committed_library.subdomain}.example")
        manager = load_principal(admin.pk)
        rows = [factories.InvitationFactory() for _ in range(4)]
    for row in rows:
        token = token_for_row(committed_library, row)
        revoke = revoking(row.pk, manager)
        outcomes = race(committed_library, accept(token), revoke)
        with in_library(committed_library):
            made = User.objects.filter(email=row.email).count()
            kept = Invitation.objects.get(pk=row.pk)
        if kept.accepted_at is not None:
            assert (made, kept.revoked_at, outcomes) == (1, None, {"done": 1, "invitation_not_open": 1})
        else:
            assert (made, outcomes) == (0, {"done": 1, "token_invalid": 1})


def test_the_second_waits_for_the_first_and_then_looks_again(committed_library: Any) -> None:
    """Forced: the first stands inside its transaction until the second waits for the row."""
    with in_library(committed_library):
        row = factories.InvitationFactory()
    token = token_for_row(committed_library, row)
    holds, goes_on = threading.Event(), threading.Event()

    def first() -> None:
        from django.db import transaction

        with transaction.atomic():
            accept(token)()
            holds.set()
            assert goes_on.wait(TIMEOUT)

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(outcome_of, committed_library, first, lambda: None)
        assert holds.wait(TIMEOUT)
        other = pool.submit(outcome_of, committed_library, accept(token), lambda: None)
        assert wait_for_a_waiter()
        goes_on.set()
        assert (one.result(TIMEOUT), other.result(TIMEOUT)) == ("done", "token_used")
    with in_library(committed_library):
        assert User.objects.filter(email=row.email).count() == 1


def test_a_key_is_used_by_many_at_once_and_noted_once(committed_library: Any) -> None:
    made = make_key(committed_library, "settings.view")

    def call() -> None:
        assert key_client(committed_library, made.key).get("/api/v1/settings/").status_code == 200

    assert race(committed_library, *[call] * THREADS) == {"done": THREADS}
    with in_library(committed_library):
        assert ApiKey.objects.get(pk=made.row.pk).last_used_at is not None


def revoking(invitation_id: int, manager: Principal) -> Callable[[], object]:
    return lambda: services.revoke_invitation(invitation_id=invitation_id, by=manager, now=clock.now())


def token_for_row(library: Any, row: Any) -> str:
    with in_library(library):
        return token_for(row.token_nonce)


def role(code: str) -> Any:
    from tenant_apps.access.models import Role

    return Role.objects.get(code=code)
