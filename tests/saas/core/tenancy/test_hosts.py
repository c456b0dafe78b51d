"""The host decides the library."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from saas.core.tenancy import hosts
from saas.core.tenancy.hosts import HostCache, UnknownHost, library_for_host, normalise_host, subdomain_of


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("North.LocalHost:8000", "north.localhost"),
        ("north.localhost.", "north.localhost"),
        (" north.localhost ", "north.localhost"),
        ("north.localhost:", ""),
        ("north.localhost:80x", ""),
        ("[::1]:8000", ""),
        ("nor th.localhost", ""),
        ("north..localhost", ""),
        ("north.localhost/../x", ""),
        ("nörth.localhost", ""),
        ("north\x00.localhost", ""),
        ("a" * 254, ""),
        ("", ""),
    ],
)
def test_host_names_have_one_form(raw: str, expected: str) -> None:
    assert normalise_host(raw) == expected


def test_only_one_label_below_a_base_domain_is_a_subdomain() -> None:
    assert subdomain_of("north.localhost") == "north"
    assert subdomain_of("a.north.localhost") is None
    assert subdomain_of("localhost") is None
    assert subdomain_of("northlocalhost") is None
    assert subdomain_of("north.localhost.evil.example") is None


def test_the_library_or_the_public_site(north: Any) -> None:
    assert library_for_host("north.localhost:8000") == north
    assert library_for_host("localhost") is None
    assert library_for_host("www.localhost") is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "nowhere.localhost",
        "public.localhost",
        "pg_catalog.localhost",
        "lib_north.localhost",
        "127.0.0.1",
        "north.example",
    ],
)
@pytest.mark.usefixtures("north")
def test_every_other_name_is_unknown(host: str) -> None:
    with pytest.raises(UnknownHost):
        library_for_host(host)


def test_a_domain_of_the_librarys_own(north: Any) -> None:
    from shared_apps.tenants.models import Domain

    row = Domain.objects.create(domain="books.example.org", tenant_id=north.id)
    with pytest.raises(UnknownHost):
        library_for_host("books.example.org")  # anybody can write a name down
    Domain.objects.filter(pk=row.pk).update(proven_at=timezone.now())
    found = library_for_host("Books.Example.org")
    assert found is not None
    assert found.id == north.id
    assert found.primary_host == "books.example.org"


def test_an_unknown_host_costs_a_query_only_once(north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "_cache", HostCache(100, 60, 60))
    monkeypatch.setattr(hosts.watch, "has_changed", lambda: False)
    monkeypatch.setattr(hosts.watch, "is_blind", False)
    # As a library's name and as one that a library gave up; then not at all.
    for expected in (2, 0, 0):
        with CaptureQueriesContext(connection) as queries, pytest.raises(UnknownHost):
            library_for_host("nowhere.localhost")
        assert len([q for q in queries if "tenants_library" in q["sql"]]) == expected


def test_the_cache_is_bounded_and_forgets_the_oldest() -> None:
    cache = HostCache(2, 60, 60)
    for host in ("a", "b", "c"):
        cache.find(host, lambda _: None)
    assert len(cache) == 2
    loads: list[str] = []
    cache.find("a", lambda host: loads.append(host))
    assert loads == ["a"]


def test_names_that_nobody_has_push_no_library_out(north: Any) -> None:
    """Anybody may ask for as many of them as they like."""
    cache = HostCache(2, 60, 60)
    loaded: list[str] = []

    def load(host: str) -> Any:
        loaded.append(host)
        return north if host == "north.localhost" else None

    for host in ("north.localhost", "a.localhost", "b.localhost", "c.localhost"):
        cache.find(host, load)
    assert len(cache) == 3, "of either kind there are two at most"
    assert cache.find("north.localhost", load) is north
    assert cache.find("c.localhost", load) is cache.find("a.localhost", load) is None
    assert loaded == ["north.localhost", "a.localhost", "b.localhost", "c.localhost", "a.localhost"]
    cache.clear()
    assert len(cache) == 0


def test_what_was_read_before_a_change_is_not_kept_after_it(north: Any) -> None:
    cache = HostCache(10, 60, 60)

    def overtaken(_host: str) -> Any:
        cache.clear()  # as another thread does that suspends the library at this moment
        return north

    assert cache.find("north.localhost", overtaken) == north
    assert len(cache) == 0
    assert cache.find("north.localhost", lambda _: None) is None


def test_a_miss_lives_shorter_than_a_hit(north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = itertools.chain([0.0, 3.0, 3.0], itertools.repeat(3.0))
    monkeypatch.setattr(hosts.time, "monotonic", lambda: next(moments))
    cache = HostCache(10, 10, 2)
    cache.find("miss", lambda _: None)
    loads: list[str] = []
    cache.find("miss", lambda host: loads.append(host))
    assert loads == ["miss"]
    cache.find("hit", lambda _: north)
    assert cache.find("hit", lambda _: None) == north
    cache.clear()
    assert len(cache) == 0
