"""GET /internal/tls/ask: which names may have a certificate."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from saas.core.principals import SYSTEM
from saas.core.tenancy import hosts
from saas.core.tenancy.hosts import HostCache
from shared_apps.tenants.models import Domain, Library
from shared_apps.tenants.services.renaming import rename_library

pytestmark = pytest.mark.django_db


def ask(domain: str | None) -> Any:
    query = {} if domain is None else {"domain": domain}
    return Client(HTTP_HOST="localhost").get("/internal/tls/ask", query)


def allowed(domain: str | None) -> bool:
    answer = ask(domain)
    assert answer.status_code in {200, 404}
    assert answer.content == b"", "yes or no, nothing else"
    return bool(answer.status_code == 200)


def test_our_own_names(north: Any, settings: Any) -> None:
    settings.BASE_DOMAINS = ("hub.example",)
    client = Client(HTTP_HOST="hub.example")
    for name, good in (
        ("hub.example", True),
        ("www.hub.example", True),
        ("north.hub.example", True),
        ("NORTH.hub.example.", True),
        ("nowhere.hub.example", False),
        ("a.north.hub.example", False),
        ("admin.hub.example", False),
    ):
        answer = client.get("/internal/tls/ask", {"domain": name})
        assert (answer.status_code == 200) is good, name


@pytest.mark.parametrize(
    ("status", "good"),
    [
        ("trialing", True),
        ("active", True),
        ("past_due", True),
        ("restricted", True),
        ("suspended", True),
        ("closed", False),
        ("deleted", False),
        ("provisioning", False),
    ],
)
def test_a_library_by_its_status(north: Any, status: str, good: bool) -> None:
    Library.objects.filter(pk=north.id).update(status=status)
    assert allowed("north.localhost") is good


def test_a_domain_once_it_is_proven(north: Any) -> None:
    row = Domain.objects.create(tenant_id=north.id, domain="books.example.org", token="t")
    assert not allowed("books.example.org")
    Domain.objects.filter(pk=row.pk).update(proven_at=timezone.now())
    assert allowed("books.example.org")
    assert allowed("Books.Example.Org")
    assert not allowed("www.books.example.org")
    assert not allowed("example.org")
    Library.objects.filter(pk=north.id).update(status="closed")
    assert not allowed("books.example.org")


def test_a_name_that_was_given_up_and_leads_on(north: Any) -> None:
    rename_library(library_id=north.id, subdomain="nordlys", by=SYSTEM, now=timezone.now())
    assert allowed("north.localhost")
    assert allowed("nordlys.localhost")


GARBAGE = [
    None,
    "",
    " ",
    ".",
    "localhost",
    "north",
    "north.localhost:443",
    "*.localhost",
    "north.localhost/x",
    "north.localhost\x00",
    "north..localhost",
    "[::1]",
    "::1",
    "nörth.localhost",
    "a" * 300,
    "x." * 200 + "localhost",
    "'; DROP SCHEMA public; --.localhost",
]


@pytest.mark.parametrize("domain", GARBAGE, ids=lambda name: ascii(name)[:30])
def test_garbage_costs_no_query(north: Any, domain: str | None) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert not allowed(domain)
    assert [query for query in queries if "tenants_" in query["sql"]] == []


def test_an_unknown_name_costs_its_queries_once(north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "_cache", HostCache(100, 60, 60))
    monkeypatch.setattr(hosts.watch, "has_changed", lambda: False)
    monkeypatch.setattr(hosts.watch, "is_blind", False)
    for expected in (1, 0, 0):
        with CaptureQueriesContext(connection) as queries:
            assert not allowed("books.nowhere.example")
        assert len([query for query in queries if "tenants_" in query["sql"]]) == expected


def test_it_is_limited(north: Any, settings: Any) -> None:
    settings.RATE_LIMITS_ENABLED = True
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "tls-ask": (2, 60)}
    assert [ask("north.localhost").status_code for _ in range(3)] == [200, 200, 429]


def test_it_is_asked_on_the_public_site_alone_and_only_read(north: Any) -> None:
    assert (
        Client(HTTP_HOST="north.localhost").get("/internal/tls/ask?domain=north.localhost").status_code == 404
    )
    assert Client(HTTP_HOST="localhost").post("/internal/tls/ask?domain=north.localhost").status_code == 405
