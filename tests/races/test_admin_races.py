"""Two people change admins or roles at once: a library keeps an admin, and nobody holds a role that is gone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from saas.core.errors import DomainError, NotFound
from saas.core.principals import SYSTEM, Principal
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from tenant_apps.access import services
from tenant_apps.access.errors import CannotGrant, LastAdmin, RoleInUse
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.access.rules import PERMISSIONS
from tenant_apps.access.services import assignments, granting, roles
from tests.database import wait_for_a_waiter
from tests.factories import NOW

pytestmark = pytest.mark.slow
Act = Callable[[], object]
ADMINS = ("admin@east.example", "reader@east.example")


@pytest.fixture
def two_admins(committed_library: Any) -> Any:
    with in_library(committed_library):
        reader = User.objects.get(email="reader@east.example")
        services.assign_role(user_id=reader.pk, role="admin", by=SYSTEM, now=NOW)
    return committed_library


def at_once(library: Any, *acts: Act) -> list[type[DomainError] | None]:
    """What each act is refused with, None for one that is done; each in a thread and a transaction of its own."""
    start = threading.Barrier(len(acts))

    def run(act: Act) -> type[DomainError] | None:
        try:
            with in_library(library):
                start.wait()
                with transaction.atomic():
                    act()
        except DomainError as refusal:
            return type(refusal)
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


class Held:
    """The first who comes to a place holds its locks until somebody waits for them: the race is certain."""

    def __init__(self, monkeypatch: Any, name: str, *places: Any) -> None:
        self.began, self.overlapped, self._first = threading.Event(), list[bool](), threading.Lock()
        for place in places:
            monkeypatch.setattr(place, name, self._slow(getattr(place, name)))

    def _slow(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*args: Any, **kwargs: Any) -> Any:
            found = original(*args, **kwargs)
            if self._first.acquire(blocking=False):
                self.began.set()
                self.overlapped.append(wait_for_a_waiter())
            return found

        return slow

    def after(self, act: Act) -> Act:
        """The act, begun once the first one is there."""

        def late() -> None:
            assert self.began.wait(20)
            act()

        return late


def active_admins(library: Any) -> int:
    with in_library(library):
        return granting.active_admins().count()


def remove(email: str) -> Act:
    def act() -> None:
        row = RoleAssignment.objects.get(user__email=email, role__code="admin")
        services.unassign_role(assignment_id=row.pk, by=SYSTEM, now=NOW)

    return act


def deactivate(email: str) -> Act:
    def act() -> None:
        user = User.objects.get(email=email)
        services.require_not_last_admin(user.pk)
        User.objects.filter(pk=user.pk).update(is_active=False)

    return act


def erase(email: str) -> Act:
    def act() -> None:
        user = User.objects.get(email=email)
        services.require_not_last_admin(user.pk)
        services.erase_account(user_id=user.pk, by=SYSTEM, now=NOW)

    return act


@pytest.mark.parametrize("first", [remove, deactivate, erase])
@pytest.mark.parametrize("second", [remove, deactivate, erase])
def test_two_admins_cannot_end_each_other_at_once(
    two_admins: Any, monkeypatch: Any, first: Callable[[str], Act], second: Callable[[str], Act]
) -> None:
    held = Held(monkeypatch, "lock_admins", granting, assignments)
    answers = at_once(two_admins, first(ADMINS[0]), second(ADMINS[1]))
    assert held.overlapped == [True]
    assert sorted(answers, key=str) == sorted([LastAdmin, None], key=str)
    assert active_admins(two_admins) == 1


@pytest.mark.parametrize("act", [remove, deactivate, erase])
def test_of_two_admins_one_may_go_and_the_other_may_not(two_admins: Any, act: Callable[[str], Act]) -> None:
    assert at_once(two_admins, act(ADMINS[0])) == [None]
    assert at_once(two_admins, act(ADMINS[1])) == [LastAdmin]
    assert active_admins(two_admins) == 1


@pytest.fixture
def own_role(committed_library: Any) -> Any:
    with in_library(committed_library):
        return services.create_role(
            code="volunteer", name="Volunteer", permissions=["catalog.view"], by=SYSTEM, now=NOW
        )


def test_a_role_is_not_deleted_while_somebody_is_given_it(
    committed_library: Any, own_role: Role, monkeypatch: Any
) -> None:
    held = Held(monkeypatch, "record_assignment", assignments)

    def give() -> None:
        user = User.objects.get(email="reader@east.example")
        services.assign_role(user_id=user.pk, role="volunteer", by=SYSTEM, now=NOW)

    def delete() -> None:
        services.delete_role(role_id=own_role.pk, by=SYSTEM, now=NOW)

    assert at_once(committed_library, give, held.after(delete)) == [None, RoleInUse]
    assert held.overlapped == [True]
    with in_library(committed_library):
        assert RoleAssignment.objects.filter(role__code="volunteer").count() == 1


def test_a_role_that_is_being_deleted_is_given_to_nobody(
    committed_library: Any, own_role: Role, monkeypatch: Any
) -> None:
    held = Held(monkeypatch, "require_may_grant", roles)

    def give() -> None:
        user = User.objects.get(email="reader@east.example")
        services.assign_role(user_id=user.pk, role="volunteer", by=SYSTEM, now=NOW)

    def delete() -> None:
        services.delete_role(role_id=own_role.pk, by=SYSTEM, now=NOW)

    assert at_once(committed_library, delete, held.after(give)) == [None, NotFound]
    assert held.overlapped == [True]


def test_a_role_does_not_grow_between_the_check_and_the_gift(
    committed_library: Any, own_role: Role, monkeypatch: Any
) -> None:
    """Who may give a harmless role does not end up having given one that an admin was widening at that moment."""
    held = Held(monkeypatch, "require_may_grant", roles)
    deputy = Principal(user_id=1, permissions=frozenset({"roles.manage", "catalog.view"}))
    chief = Principal(user_id=2, permissions=frozenset(PERMISSIONS))

    def widen() -> None:
        services.change_role(
            role_id=own_role.pk,
            changes={"permissions": ["catalog.view", "settings.manage"]},
            granter=chief,
            by=SYSTEM,
            now=NOW,
        )

    def give() -> None:
        user = User.objects.get(email="reader@east.example")
        services.assign_role(user_id=user.pk, role="volunteer", granter=deputy, by=SYSTEM, now=NOW)

    assert at_once(committed_library, widen, held.after(give)) == [None, CannotGrant]
    assert held.overlapped == [True]
    with in_library(committed_library):
        assert not RoleAssignment.objects.filter(role__code="volunteer").exists()
