"""An attacker fills no table, and hides nobody else's events by trying."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db.models import Sum

from saas.core.principals import ANONYMOUS
from saas.core.security_events import Kind, security_event
from saas.core.tenancy import in_library
from shared_apps.security import rules, services
from shared_apps.security.models import SecurityEvent
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def refused(address: str, kind: Kind = Kind.TOKEN_REFUSED, **facts: Any) -> None:
    security_event(kind, address=address, now=NOW, **facts)


def total(kind: Kind = Kind.TOKEN_REFUSED) -> int:
    found = SecurityEvent.objects.filter(kind=kind.value).aggregate(n=Sum("count"))["n"]
    return int(found or 0)


def test_one_subject_has_so_many_rows_and_the_rest_is_counted(in_north: Any) -> None:
    for _number in range(rules.PER_SUBJECT.quota + 30):
        refused("address:192.0.2.1")
    refused("address:192.0.2.2")
    rows = SecurityEvent.objects.filter(address="address:192.0.2.1")
    assert rows.count() == rules.PER_SUBJECT.quota + 1
    (rest,) = rows.exclude(bucket=None)
    assert rest.count == 30
    assert total() == rules.PER_SUBJECT.quota + 31
    # Another address still has rows of its own.
    assert SecurityEvent.objects.filter(address="address:192.0.2.2", bucket=None).count() == 1


def test_many_addresses_have_so_many_rows_in_all(in_north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "PER_KIND", rules.Policy("security-kind", 8, rules.HOUR))
    for number in range(30):
        refused(f"address:192.0.2.{number}")
    assert SecurityEvent.objects.filter(bucket=None).count() == 8
    (rest,) = SecurityEvent.objects.exclude(bucket=None)
    assert (rest.count, rest.address, rest.user_id) == (22, "", None)
    # Another kind is not drowned by it.
    refused("address:192.0.2.1", Kind.CSRF_REFUSED)
    assert total(Kind.CSRF_REFUSED) == 1


def test_libraries_have_limits_of_their_own(north: Any, south: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "PER_KIND", rules.Policy("security-kind", 3, rules.HOUR))
    with in_library(north):
        for _number in range(9):
            refused("address:192.0.2.1")
    with in_library(south):
        refused("address:192.0.2.1")
        assert SecurityEvent.objects.filter(bucket=None).count() == 1
    with in_library(north):
        assert (SecurityEvent.objects.filter(bucket=None).count(), total()) == (3, 9)


def test_a_refused_event_costs_a_bounded_number_of_statements(
    in_north: Any, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(1):
        refused("address:192.0.2.1")
    for _number in range(rules.PER_SUBJECT.quota):
        refused("address:192.0.2.1")
    with django_assert_max_num_queries(1):
        refused("address:192.0.2.1")


def test_old_events_go(in_north: Any) -> None:
    refused("address:192.0.2.1")
    security_event(
        Kind.TOKEN_REFUSED, address="address:192.0.2.2", now=NOW - rules.KEEP - dt.timedelta(days=1)
    )
    assert services.purge(now=NOW) == 1
    assert SecurityEvent.objects.get().address == "address:192.0.2.1"


def test_a_person_who_is_erased_leaves_no_address(in_north: Any) -> None:
    security_event(Kind.CODE_REFUSED, user_id=7, by=ANONYMOUS, address="address:192.0.2.1", reason="wrong")
    security_event(Kind.CODE_REFUSED, user_id=8, by=ANONYMOUS, address="address:192.0.2.2", reason="wrong")
    assert services.forget_person(user_id=7) == 1
    assert list(SecurityEvent.objects.order_by("user_id").values_list("address", "facts")) == [
        ("", {}),
        ("address:192.0.2.2", {"reason": "wrong"}),
    ]
