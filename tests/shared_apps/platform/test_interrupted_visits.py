"""Visits whose beginning was cut short between the platform's row and the library's, or that end meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core import clock
from saas.core.errors import PermissionDenied
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library, in_public
from shared_apps.accounts.models import User
from shared_apps.platform import ports
from shared_apps.platform.models import StaffRole, Visit
from shared_apps.platform.services import end_visits_of
from shared_apps.platform.services.visits import begin_visit, end_visit
from tenant_apps.visits.models import Visit as LibraryVisit
from tests.factories import StaffRoleFactory
from tests.tenant_apps.visits.visitors import PRIVATE, begin, staff_principal, visitor


class KilledError(Exception):
    """Where the process stops."""


def cut_short(monkeypatch: pytest.MonkeyPatch, library: Any, staff: Any) -> Visit:
    """A visit that the platform alone knows of."""

    def killed(**_values: Any) -> str:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(ports, "begin_visit_in_library", killed)
        with pytest.raises(KilledError):
            begin(library, staff=staff)
    return Visit.objects.get()


def test_a_visit_cut_short_keeps_no_other_one_alive(
    monkeypatch: pytest.MonkeyPatch, public_api: Any, north: Any
) -> None:
    staff = staff_principal()
    cut = cut_short(monkeypatch, north, staff)
    inside = visitor(north, begin(north, staff=staff).token)
    assert inside.get(PRIVATE).status_code == 200
    owner: User = StaffRoleFactory(role="owner", user__name="Olga Owner").user
    answer = public_api(owner).post(f"/api/v1/platform/staff/{staff.user_id}/deactivate/", {}, format="json")
    assert answer.status_code == 200, answer.json()
    assert inside.get(PRIVATE).status_code == 401
    cut.refresh_from_db()
    assert cut.ended_at is not None
    assert not Visit.objects.filter(ended_at=None).exists()


def test_a_visit_that_ends_while_it_begins_opens_nothing(monkeypatch: pytest.MonkeyPatch, north: Any) -> None:
    staff, write = staff_principal(), ports.begin_visit_in_library
    tokens = []

    def ended_first(**values: Any) -> str:
        with in_public():
            end_visit(visit_id=values["visit_id"], by=SYSTEM, now=clock.now())
        with in_library(north):
            tokens.append(write(**values))
        return tokens[0]

    monkeypatch.setattr(ports, "begin_visit_in_library", ended_first)
    with pytest.raises(PermissionDenied):
        begin_visit(library_id=north.id, staff=staff, reason="R", minutes=5, access="read", now=clock.now())
    assert visitor(north, tokens[0]).get(PRIVATE).status_code == 401
    with in_library(north):
        assert LibraryVisit.objects.get().ended_at is not None


def test_who_loses_the_right_while_a_visit_begins_gets_none(
    monkeypatch: pytest.MonkeyPatch, north: Any
) -> None:
    staff, admit = staff_principal(), ports.require_visit_admitted

    def dismissed_first(**values: Any) -> None:
        with in_public():
            StaffRole.objects.filter(user=staff.user_id).delete()
            end_visits_of(user_id=staff.user_id, by=SYSTEM, now=clock.now())
        with in_library(north):
            admit(**values)

    monkeypatch.setattr(ports, "require_visit_admitted", dismissed_first)
    with pytest.raises(PermissionDenied):
        begin_visit(library_id=north.id, staff=staff, reason="R", minutes=5, access="read", now=clock.now())
    with in_library(north):
        assert not LibraryVisit.objects.filter(ended_at=None).exists()
