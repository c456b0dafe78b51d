"""A library's own domains: claimed, proven, lost, looked at again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from saas.core.errors import NotFound
from saas.core.principals import Actor
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from shared_apps.tenants import domain_names, tasks, txt_records
from shared_apps.tenants.errors import (
    DnsUnavailable,
    DomainAdded,
    DomainLimit,
    DomainNotAllowed,
    DomainNotProven,
)
from shared_apps.tenants.models import Domain
from shared_apps.tenants.selectors import domains_of
from shared_apps.tenants.services import domains
from tests.dns_server import running_dns_server
from tests.snapshots import differences, snapshot
from tests.written_records import WrittenRecords

NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)
ADMIN = Actor(kind="person", user_id=3)
NAME = "books.example.org"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def records() -> Iterator[dict[str, Any]]:
    """TXT records by the name that they prove something of."""
    WrittenRecords.records.clear()
    WrittenRecords.asked.clear()
    yield WrittenRecords.records
    WrittenRecords.records.clear()


def add(library: Any, name: str = NAME) -> Domain:
    return domains.add_domain(library_id=library.id, domain=name, by=ADMIN, now=NOW)


def write_record(*rows: Domain) -> None:
    name = domain_names.proof_name(rows[0].domain)
    WrittenRecords.records[name] = ["v=spf1 -all", *(domain_names.proof_value(row.token) for row in rows)]


def verify(row: Domain, now: dt.datetime = NOW) -> Domain:
    return domains.verify_domain(library_id=row.tenant_id, domain_id=row.pk, by=ADMIN, now=now)


def proven(library: Any, name: str = NAME) -> Domain:
    row = add(library, name)
    write_record(row)
    return verify(row)


def answers(name: str = NAME) -> int:
    return Client(HTTP_HOST=name).get("/api/v1/titles/").status_code


def again(row: Domain) -> Domain:
    return Domain.objects.get(pk=row.pk)


# -- adding -------------------------------------------------------------------------------------------------------------


def test_a_new_domain_leads_nowhere_yet(north: Any) -> None:
    row = add(north, " Books.Example.ORG. ")
    assert (row.domain, row.status, row.proven_at) == (NAME, "pending", None)
    assert len(row.token) == 32
    assert answers() == 404
    entry = AuditEntry.objects.get(action="domain.added")
    assert (entry.changes, entry.actor_user_id, entry.actor_label) == ({"domain": NAME}, 3, "north")


@pytest.mark.parametrize("name", ["127.0.0.1", "south.localhost", "localhost", "nothing", "a b.example"])
def test_a_name_that_cannot_be_one(north: Any, name: str) -> None:
    before = snapshot("public")
    with pytest.raises(DomainNotAllowed) as refusal:
        add(north, name)
    assert refusal.value.status == 400
    assert str(refusal.value.detail)
    assert differences(before, snapshot("public")) == {}


def test_a_domain_stands_in_the_list_once(north: Any, south: Any) -> None:
    add(north)
    before = snapshot("public")
    with pytest.raises(DomainAdded):
        add(north, "BOOKS.example.org")
    assert differences(before, snapshot("public")) == {}
    assert add(south).domain == NAME


def test_no_more_than_the_limit(north: Any, settings: Any) -> None:
    settings.DOMAINS_PER_LIBRARY = 2
    add(north, "a.example.org")
    add(north, "b.example.org")
    with pytest.raises(DomainLimit):
        add(north, "c.example.org")
    assert [row.domain for row in domains_of(north.id)] == ["a.example.org", "b.example.org"]


# -- proving ------------------------------------------------------------------------------------------------------------


def test_a_proven_domain_leads_to_the_library(north: Any, south: Any) -> None:
    row = add(north)
    write_record(row)
    found = verify(row)
    assert (found.status, found.proven_at, found.checked_at) == ("proven", NOW, NOW)
    assert answers() == 200
    assert WrittenRecords.asked == ["_libraryhub.books.example.org"]
    assert AuditEntry.objects.filter(action="domain.proven").count() == 1
    assert OutboxMessage.objects.filter(payload__action="domain.proven").count() == 1
    # A second look changes no more than the time of it.
    later = verify(row, NOW + dt.timedelta(days=1))
    assert (later.proven_at, later.checked_at) == (NOW, NOW + dt.timedelta(days=1))
    assert AuditEntry.objects.filter(action="domain.proven").count() == 1


def test_names_below_and_above_a_proven_domain_are_not_proven(north: Any) -> None:
    proven(north)
    for name in ("www.books.example.org", "example.org", "example.org.books.example.org"):
        assert answers(name) == 404


@pytest.mark.parametrize("texts", [[], ["v=spf1 -all"], ["libraryhub-verify="], ["libraryhub-verify=x"]])
def test_without_its_record_nothing_is_proven(north: Any, records: Any, texts: list[str]) -> None:
    row = add(north)
    records[domain_names.proof_name(NAME)] = texts
    with pytest.raises(DomainNotProven) as refusal:
        verify(row)
    assert refusal.value.extension_members == {"found": len(texts)}
    assert "_libraryhub.books.example.org" in str(refusal.value.detail)
    found = again(row)
    assert (found.proven_at, found.checked_at, found.last_problem) == (None, NOW, "domain_not_proven")
    assert answers() == 404


def test_anothers_record_proves_nothing(north: Any, south: Any) -> None:
    ours, theirs = add(north), add(south)
    write_record(theirs)
    with pytest.raises(DomainNotProven):
        verify(ours)
    assert answers() == 404


def test_name_servers_that_do_not_answer(north: Any, records: Any) -> None:
    row = add(north)
    records[domain_names.proof_name(NAME)] = txt_records.NoAnswer("Timeout")
    with pytest.raises(DnsUnavailable) as refusal:
        verify(row)
    assert (refusal.value.status, refusal.value.headers) == (503, {"Retry-After": "60"})
    assert again(row).last_problem == "dns_unavailable"
    assert answers() == 404


def test_another_librarys_domain_is_no_domain(north: Any, south: Any) -> None:
    row = add(south)
    write_record(row)
    before = snapshot("public")
    for act in (domains.verify_domain, domains.remove_domain):
        with pytest.raises(NotFound):
            act(library_id=north.id, domain_id=row.pk, by=ADMIN, now=NOW)
    assert WrittenRecords.asked == []
    assert differences(before, snapshot("public")) == {}


def test_by_a_real_name_server(north: Any, settings: Any) -> None:
    settings.DNS_RESOLVER = "shared_apps.tenants.txt_records.SystemResolver"
    row = add(north)
    with running_dns_server() as (address, zone):
        settings.DNS_NAMESERVERS = (address,)
        with pytest.raises(DomainNotProven):
            verify(row)
        zone.texts("_libraryhub.books.example.org.", '"v=spf1"', f'"libraryhub-verify={row.token}"')
        assert verify(row).status == "proven"
    assert answers() == 200


# -- moving -------------------------------------------------------------------------------------------------------------


def test_a_domain_moves_with_the_proof_alone(north: Any, south: Any) -> None:
    ours = proven(north)
    theirs = add(south)
    with pytest.raises(DomainNotProven):
        verify(theirs)
    assert again(ours).status == "proven"
    write_record(theirs)
    assert verify(theirs).status == "proven"
    lost = again(ours)
    assert (lost.proven_at, lost.status) == (None, "pending")
    assert Domain.objects.filter(domain=NAME, proven_at__isnull=False).get().tenant_id == south.id
    moved = AuditEntry.objects.get(action="domain.moved_away")
    assert (moved.target_id, moved.actor_kind) == (str(north.id), "system")


def test_an_old_record_that_was_left_does_not_take_it_back(north: Any, south: Any) -> None:
    ours = proven(north)
    theirs = add(south)
    write_record(ours, theirs)
    verify(theirs)
    with pytest.raises(DomainNotProven):
        verify(again(ours))
    assert Domain.objects.filter(domain=NAME, proven_at__isnull=False).get().tenant_id == south.id


def test_what_was_lost_while_the_dns_was_asked_is_not_proven(
    north: Any, south: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = add(north), add(south)
    write_record(ours, theirs)
    verify(ours)

    def slowly(name: str) -> list[str]:
        monkeypatch.undo()
        verify(theirs)
        return [domain_names.proof_value(ours.token)]

    monkeypatch.setattr(txt_records, "texts_of", slowly)
    with pytest.raises(NotFound):
        verify(ours)
    assert Domain.objects.filter(domain=NAME, proven_at__isnull=False).get().tenant_id == south.id


def test_a_removed_domain_leads_nowhere(north: Any) -> None:
    row = proven(north)
    domains.remove_domain(library_id=north.id, domain_id=row.pk, by=ADMIN, now=NOW)
    assert answers() == 404
    assert domains_of(north.id) == []
    assert AuditEntry.objects.get(action="domain.removed").changes == {"domain": NAME}


# -- looking again --------------------------------------------------------------------------------------------------------


def check_after(monkeypatch: pytest.MonkeyPatch, **passed: float) -> None:
    monkeypatch.setattr(tasks.clock, "now", lambda: NOW + dt.timedelta(**passed))
    tasks.check_domains()


def test_a_proven_domain_is_looked_at_every_day(north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    row = proven(north)
    pending = add(north, "pending.example.org")
    WrittenRecords.asked.clear()
    check_after(monkeypatch, hours=23)
    assert WrittenRecords.asked == []
    check_after(monkeypatch, hours=24)
    assert WrittenRecords.asked == ["_libraryhub.books.example.org"]
    assert again(row).checked_at == NOW + dt.timedelta(hours=24)
    assert again(pending).checked_at is None
    check_after(monkeypatch, hours=25)
    assert len(WrittenRecords.asked) == 1


def test_a_record_that_is_gone_costs_the_domain_after_a_week(
    north: Any, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = proven(north)
    records.clear()
    check_after(monkeypatch, days=1)
    assert again(row).status == "missing"
    check_after(monkeypatch, days=7)
    assert answers() == 200, "there is time to mend it"
    check_after(monkeypatch, days=8)
    lapsed = again(row)
    assert (lapsed.status, lapsed.missing_since) == ("pending", None)
    assert answers() == 404
    assert AuditEntry.objects.get(action="domain.lapsed").target_id == str(north.id)
    write_record(row)  # the old one is worth nothing any more
    with pytest.raises(DomainNotProven):
        verify(lapsed)


def test_a_record_that_is_back_in_time(north: Any, records: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    row = proven(north)
    saved = dict(records)
    records.clear()
    check_after(monkeypatch, days=1)
    records.update(saved)
    check_after(monkeypatch, days=2)
    assert (again(row).status, again(row).last_problem) == ("proven", "")
    records.clear()
    check_after(monkeypatch, days=9)
    assert again(row).status == "missing", "the days are counted anew"


def test_silent_name_servers_cost_nothing(north: Any, records: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    row = proven(north)
    records[domain_names.proof_name(NAME)] = txt_records.NoAnswer("Timeout")
    for days in range(1, 30, 5):
        check_after(monkeypatch, days=days)
    assert (again(row).status, again(row).last_problem) == ("proven", "dns_unavailable")
    assert answers() == 200


def test_a_domain_that_is_gone_is_not_looked_at(north: Any) -> None:
    row = add(north)
    domains.check_domain(domain_id=row.pk, now=NOW)
    domains.check_domain(domain_id=row.pk + 1000, now=NOW)
    assert WrittenRecords.asked == []


def test_batches_begin_with_who_waits_longest(north: Any) -> None:
    rows = [proven(north, f"books{number}.example.org") for number in range(4)]
    for days, row in enumerate(reversed(rows)):
        Domain.objects.filter(pk=row.pk).update(checked_at=NOW - dt.timedelta(days=9 - days))
    assert domains.domains_to_check(now=NOW, limit=3) == [row.pk for row in reversed(rows)][:3]
