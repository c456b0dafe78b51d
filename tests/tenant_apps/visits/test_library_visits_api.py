"""The library's admins see who is visiting, are told by mail, and can end it."""

from __future__ import annotations

import uuid
from typing import Any

from django.core import mail

from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry
from tenant_apps.access.services import assign_role
from tests.factories import NOW, UserFactory, VisitFactory
from tests.tenant_apps.visits.visitors import begin, delivered

URL = "/api/v1/visits/"


def test_admins_see_the_visit_and_nobody_else_does(north: Any, south: Any, api: Any) -> None:
    begun = begin(north, reason="Ticket 118: the import")
    (seen,) = api(north, "admin").get(URL).json()["results"]
    assert seen == {
        "id": str(begun.visit.pk),
        "staff_name": "Stella Staff",
        "reason": "Ticket 118: the import",
        "access": "read",
        "started_at": seen["started_at"],
        "expires_at": seen["expires_at"],
        "ended_at": None,
        "ended_by": "",
    }
    assert api(north, "librarian").get(URL).status_code == 403
    assert api(north).get(URL).status_code == 401
    assert api(south, "admin").get(URL).json()["results"] == []


def test_the_list_costs_the_same_for_few_and_for_many(
    north: Any, api: Any, django_assert_num_queries: Any
) -> None:
    client = api(north, "admin")
    for count in (1, 3):
        with in_library(north):
            VisitFactory.create_batch(count)
        with django_assert_num_queries(3):  # the host, the caller, the page
            assert client.get(URL).status_code == 200


def test_every_admin_is_told_once_and_nobody_else(north: Any, api: Any) -> None:
    with in_library(north):
        second = UserFactory(name="Bruno", language="it")
        gone = UserFactory(is_active=False)
        for user in (second, gone):
            assign_role(user_id=user.pk, role="admin", by=SYSTEM, now=NOW)
    begun = begin(north, reason="Ticket 118\nBcc: everybody")
    delivered(north)
    delivered(north)
    assert sorted(message.to[0] for message in mail.outbox) == sorted(["admin@north.example", second.email])
    for message in mail.outbox:
        assert "Stella Staff" in message.body
        assert "Ticket 118" in message.body
        assert begun.token not in message.message().as_string()
        assert "\n" not in message.subject
        assert set(message.message().keys()).isdisjoint({"Bcc", "Cc"})


def test_an_end_by_the_library_is_audited_and_repeated_without_effect(north: Any, api: Any) -> None:
    begun = begin(north)
    client = api(north, "admin")
    ends = [client.post(f"{URL}{begun.visit.pk}/end/", {}, format="json") for _ in range(2)]
    assert [answer.status_code for answer in ends] == [200, 200]
    assert ends[0].json() == ends[1].json()
    with in_library(north):
        (entry,) = AuditEntry.objects.filter(action="visit.ended")
        assert entry.actor_user_id == User.objects.get(email="admin@north.example").pk
    assert client.post(f"{URL}{uuid.uuid4()}/end/", {}, format="json").status_code == 404
    assert client.post(f"{URL}7/end/", {}, format="json").status_code == 404
    answer = client.post(f"{URL}{begun.visit.pk}/end/", {"ended_by": "staff"}, format="json")
    assert answer.status_code == 400


def test_a_librarian_ends_nothing(north: Any, api: Any) -> None:
    begun = begin(north)
    answer = api(north, "librarian").post(f"{URL}{begun.visit.pk}/end/", {}, format="json")
    assert answer.status_code == 403
    assert api(north, "admin").get(URL).json()["results"][0]["ended_at"] is None
