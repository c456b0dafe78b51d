"""What a visit may do: look, everywhere; change, where the library admits it, and never how to get in."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core.tenancy import in_library
from tenant_apps.access.rules import PERMISSIONS
from tenant_apps.branches.models import Branch
from tenant_apps.visits import rules
from tenant_apps.visits.errors import VisitNotAdmitted
from tests.permissions.conftest import scenes  # noqa: F401
from tests.permissions.examples import send
from tests.permissions.inventory import UNSAFE, Endpoint, of_site
from tests.permissions.scenes import Scenes
from tests.snapshots import differences, snapshot
from tests.tenant_apps.visits.visitors import PRIVATE, admit, begin, staff_principal, visitor

API = [endpoint for endpoint in of_site("library") if endpoint.is_api_view]
WRITES = [endpoint for endpoint in API if endpoint.method in UNSAFE]
READS = [endpoint for endpoint in API if endpoint.method == "GET"]
# Where each request of a visit leaves its trace.
TRACES = ("audit_auditentry", "delivery_outboxmessage")


@pytest.mark.django_db
@pytest.mark.parametrize("endpoint", WRITES, ids=str)
def test_a_read_only_visit_changes_nothing(scenes: Scenes, endpoint: Endpoint) -> None:  # noqa: F811
    token = begin(scenes.north.library).token
    example = scenes.example("library", endpoint.key, scenes.north, "admin")
    before = snapshot("lib_north", "public", leave_out=TRACES)
    answer = send(visitor(scenes.north.library, token), endpoint.method, example)
    assert (answer.status_code, answer.json()["code"]) == (403, "visit_read_only")
    assert differences(before, snapshot("lib_north", "public", leave_out=TRACES)) == {}


@pytest.mark.django_db
@pytest.mark.parametrize("endpoint", READS, ids=str)
def test_a_visit_sees_what_may_be_seen(scenes: Scenes, endpoint: Endpoint) -> None:  # noqa: F811
    token = begin(scenes.north.library).token
    example = scenes.example("library", endpoint.key, scenes.north, "admin")
    answer = send(visitor(scenes.north.library, token), "GET", example)
    declared = endpoint.declared
    if endpoint.path == "/api/v1/me/" or not endpoint.reads_tokens:
        assert answer.status_code < 500
    elif declared is None or declared.endswith(".view"):
        assert answer.status_code in (200, 401, 403) if declared is None else answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


@pytest.mark.django_db
@pytest.mark.parametrize("endpoint", WRITES, ids=str)
def test_a_write_visit_meets_no_fault_and_leaves_no_way_in(scenes: Scenes, endpoint: Endpoint) -> None:  # noqa: F811
    library = scenes.north.library
    admit(library, "write")
    token = begin(library, "write").token
    example = scenes.example("library", endpoint.key, scenes.north, "admin")
    before = snapshot("lib_north", "public", leave_out=TRACES)
    answer = send(visitor(library, token, raise_request_exception=False), endpoint.method, example)
    assert answer.status_code < 500
    if endpoint.declared in rules.KEPT_FROM_VISITS:
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
        assert differences(before, snapshot("lib_north", "public", leave_out=TRACES)) == {}


def test_write_has_to_be_asked_for_and_admitted(north: Any) -> None:
    body = {"code": "annex", "name": "Annex", "time_zone": "Europe/Rome"}
    staff = staff_principal()
    before = snapshot("lib_north", "public")
    with pytest.raises(VisitNotAdmitted):
        begin(north, "write", staff=staff)
    assert differences(before, snapshot("lib_north", "public")) == {}
    admit(north, "write")
    reading, writing = begin(north), begin(north, "write")
    assert visitor(north, reading.token).post("/api/v1/branches/", body, format="json").status_code == 403
    with in_library(north):
        assert not Branch.objects.filter(code="annex").exists()
    assert visitor(north, writing.token).post("/api/v1/branches/", body, format="json").status_code == 201
    admit(north, "read")
    client = visitor(north, writing.token)
    answer = client.post(
        "/api/v1/branches/", {"code": "other", "name": "Other", "time_zone": "Europe/Rome"}, format="json"
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "visit_read_only")
    assert client.get(PRIVATE).status_code == 200
    with in_library(north):
        assert not Branch.objects.filter(code="other").exists()


def test_a_visit_cannot_let_itself_in_for_longer(north: Any) -> None:
    admit(north, "write")
    begun = begin(north, "write")
    client = visitor(north, begun.token)
    etag = client.get(PRIVATE)["ETag"]
    answer = client.patch(PRIVATE, {"staff_visits": "write"}, format="json", headers={"If-Match": etag})
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert client.post(f"/api/v1/visits/{begun.visit.pk}/end/", {}, format="json").status_code == 403


def test_the_rules() -> None:
    known = set(PERMISSIONS)
    reading, writing = rules.permissions_of("read", known), rules.permissions_of("write", known)
    assert reading == {name for name in known if name.endswith(".view")}
    assert "audit.view" in reading
    assert reading < writing == known - rules.KEPT_FROM_VISITS
    assert rules.permissions_of("none", known) == frozenset()
    assert [rules.admits("read", access) for access in rules.ACCESSES] == [True, False]
    assert [rules.admits("none", access) for access in rules.ACCESSES] == [False, False]
    assert rules.effective_access("read", "write") == "read"
    assert rules.effective_access("write", "read") == "read"
    assert rules.effective_access("none", "write") == "none"
