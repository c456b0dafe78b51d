"""Staff who decide at the same moment: one owner stays, one approval counts, one request waits, one entry is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from saas.core import clock
from saas.core.db.owner import owner_connection
from saas.core.principals import SYSTEM, Actor, Principal
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry
from shared_apps.platform import services
from shared_apps.platform.models import DeletionRequest, StaffRole
from shared_apps.platform.rules import PERMISSIONS
from shared_apps.platform.selectors import owners
from shared_apps.tenants.models import Library
from shared_apps.tenants.services import lifecycle
from tests.factories import StaffRoleFactory
from tests.races.threads import at_once
from tests.tenant_apps.visits.visitors import PRIVATE, admit, begin, delivered, requests_in_log, visitor

pytestmark = pytest.mark.slow
ROUNDS = 5
OWNERS = 4


@pytest.fixture
def staff(committed_library: Any) -> Iterator[list[User]]:
    """Owners who are really there, and nobody of them afterwards."""
    assert not User.objects.exists()
    yield [StaffRoleFactory(role="owner").user for _ in range(OWNERS)]
    connection.close()
    with owner_connection() as owner, owner.cursor() as cursor:
        # With their roles, visits, requests, sessions and factors.
        cursor.execute("TRUNCATE public.accounts_user CASCADE")
    Library.objects.filter(pk=committed_library.id).update(
        status="active", closed_at=None, erasing_since=None
    )


def everything(user: User) -> Principal:
    return Principal(user_id=user.pk, permissions=frozenset(PERMISSIONS))


def by(user: User) -> Actor:
    return Actor("person", user_id=user.pk)


def remove(user: User, way: int) -> Callable[[], Any]:
    values: dict[str, Any] = {
        "user_id": user.pk,
        "granter": everything(user),
        "by": by(user),
        "now": clock.now(),
    }
    if way % 2:
        return lambda: services.deactivate_staff(**values)
    return lambda: services.set_staff_roles(roles=["support"], **values)


def test_all_owners_leave_at_once_and_one_stays(staff: list[User]) -> None:
    for _round in range(ROUNDS):
        outcomes = at_once([remove(user, way) for way, user in enumerate(staff)])
        assert outcomes == ["last_owner", *["ok"] * (OWNERS - 1)]
        assert owners().count() == 1
        StaffRole.objects.all().delete()
        User.objects.filter(pk__in=[user.pk for user in staff]).update(is_active=True)
        for user in staff:
            StaffRoleFactory(user=user, role="owner")


def test_two_approvals_at_once_are_one(staff: list[User], committed_library: Any) -> None:
    asker, *approvers = staff
    for _round in range(ROUNDS):
        moment = clock.now()
        lifecycle.close_library(library_id=committed_library.id, reason="x", by=SYSTEM, now=moment)
        request = services.request_deletion(
            library_id=committed_library.id, reason="x", by=by(asker), now=clock.now()
        )
        last = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True)[0]

        def approve(user: User, pk: Any = request.pk) -> Callable[[], Any]:
            return lambda: services.approve_deletion(request_id=pk, by=by(user), now=clock.now())

        outcomes = at_once([approve(user) for user in approvers])
        assert outcomes == ["deletion_decided", "deletion_decided", "ok"]
        new = AuditEntry.objects.filter(pk__gt=last)
        assert new.filter(action="deletion.approved").count() == 1
        assert new.filter(action="library.erasure_begun").count() == 1
        Library.objects.filter(pk=committed_library.id).update(
            status="active", closed_at=None, erasing_since=None
        )


def test_asking_approving_and_restoring_at_once(staff: list[User], committed_library: Any) -> None:
    """Restored or being erased, never both; and never two requests that wait."""
    asker, approver, *_others = staff
    for _round in range(ROUNDS):
        lifecycle.close_library(library_id=committed_library.id, reason="x", by=SYSTEM, now=clock.now())
        request = services.request_deletion(
            library_id=committed_library.id, reason="x", by=by(asker), now=clock.now()
        )
        at_once(
            [
                lambda pk=request.pk: services.approve_deletion(
                    request_id=pk, by=by(approver), now=clock.now()
                ),
                lambda: lifecycle.restore_library(
                    library_id=committed_library.id, reason="x", by=SYSTEM, now=clock.now()
                ),
                lambda: services.request_deletion(
                    library_id=committed_library.id, reason="y", by=by(approver), now=clock.now()
                ),
            ]
        )
        row = Library.objects.get(pk=committed_library.id)
        state = DeletionRequest.objects.get(pk=request.pk).state
        assert (row.status, row.erasing_since is not None, state) in (
            ("closed", True, "approved"),
            ("active", False, "pending"),
        )
        assert DeletionRequest.objects.filter(state="pending").count() <= 1
        DeletionRequest.objects.all().delete()
        Library.objects.filter(pk=committed_library.id).update(
            status="active", closed_at=None, erasing_since=None
        )


def test_a_note_of_a_request_that_comes_many_times_at_once_is_one(
    staff: list[User], committed_library: Any
) -> None:
    begun = begin(committed_library)
    assert visitor(committed_library, begun.token).get(PRIVATE).status_code == 200
    (entry,) = requests_in_log(committed_library)

    def note() -> None:
        services.note_request(
            visit_id=begun.visit.pk,
            entry_id=entry.pk,
            changes=entry.changes,
            caused_by=entry.request_id,
            now=entry.at,
        )

    last = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True)[0]
    assert at_once([note] * 6) == ["ok"] * 6
    delivered(committed_library)
    found = AuditEntry.objects.filter(action="visit.request", target_id=str(begun.visit.pk))
    assert found.count() == 1
    assert last > 0


def test_a_visit_that_staff_and_library_end_at_once_ends_once(
    staff: list[User], committed_library: Any
) -> None:
    from tenant_apps.visits.services import end_visit

    begun = begin(committed_library)

    def from_inside() -> None:
        with in_library(committed_library):
            end_visit(visit_id=begun.visit.pk, ended_by="library", by=SYSTEM, now=clock.now())

    def from_outside() -> None:
        services.end_visit(visit_id=begun.visit.pk, by=by(staff[0]), now=clock.now())

    assert at_once([from_inside, from_outside] * 3) == ["ok"] * 6
    delivered(committed_library)
    with in_library(committed_library):
        assert AuditEntry.objects.filter(action="visit.ended").count() == 1
    assert AuditEntry.objects.filter(action="visit.ended", target_id=str(begun.visit.pk)).count() == 1
    assert visitor(committed_library, begun.token).get(PRIVATE).status_code == 401


def test_a_request_that_breaks_in_its_transaction_is_undone_and_recorded(
    staff: list[User], committed_library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Really committed: what the request wrote is gone, and both logs have the request."""
    from tenant_apps.branches import services as branches
    from tenant_apps.branches.models import Branch

    admit(committed_library, "write")
    client = visitor(
        committed_library, begin(committed_library, "write").token, raise_request_exception=False
    )
    body = {"code": "annex", "name": "Annex", "time_zone": "Europe/Rome"}
    with monkeypatch.context() as broken:

        def fail(**_values: Any) -> None:
            raise ZeroDivisionError

        broken.setattr(branches, "audit", SimpleNamespace(record=fail))
        assert client.post("/api/v1/branches/", body, format="json").status_code == 500
    with in_library(committed_library):
        assert not Branch.objects.filter(code="annex").exists()
    assert client.post("/api/v1/branches/", body, format="json").status_code == 201
    delivered(committed_library)
    for log in (committed_library, None):
        assert [entry.changes["status"] for entry in requests_in_log(log)] == [500, 201]
