"""Reading TXT records from a real name server on loopback: good answers, odd ones, lies and silence."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest

from shared_apps.tenants.txt_records import MAX_RECORDS, NoAnswer, SystemResolver, texts_of
from tests.dns_server import Zone, reply, running_dns_server
from tests.written_records import WrittenRecords

NAME = "_libraryhub.books.example.org"
ASKED = f"{NAME}."


@pytest.fixture
def zone(settings: Any) -> Iterator[Zone]:
    with running_dns_server() as (address, zone):
        settings.DNS_NAMESERVERS = (address,)
        settings.DNS_SECONDS = 0.3
        yield zone


def texts() -> list[str]:
    return SystemResolver().texts(NAME)


def test_one_record(zone: Zone) -> None:
    zone.texts(ASKED, '"libraryhub-verify=abc"')
    assert texts() == ["libraryhub-verify=abc"]
    assert zone.questions == [(ASKED, "udp")]


def test_several_records_in_any_order(zone: Zone) -> None:
    zone.texts(ASKED, '"v=spf1 -all"', '"libraryhub-verify=abc"', '"google-site-verification=x"')
    assert sorted(texts()) == ["google-site-verification=x", "libraryhub-verify=abc", "v=spf1 -all"]


def test_a_record_in_pieces_is_one_text(zone: Zone) -> None:
    zone.texts(ASKED, '"libraryhub-" "verify=" "abc"')
    assert texts() == ["libraryhub-verify=abc"]


def test_bytes_that_are_no_text(zone: Zone) -> None:
    zone.texts(ASKED, '"\\255\\000x"')
    assert texts() == ["\ufffd\x00x"]


def test_an_alias_is_followed(zone: Zone) -> None:
    zone.alias(ASKED, "proofs.example.net.", '"libraryhub-verify=abc"')
    assert texts() == ["libraryhub-verify=abc"]


def test_an_alias_that_leads_nowhere(zone: Zone) -> None:
    zone.alias(ASKED, "proofs.example.net.")
    assert texts() == []


def test_an_alias_of_itself(zone: Zone) -> None:
    zone.says(ASKED, lambda query: reply(query, (ASKED, "CNAME", ASKED)))
    with pytest.raises(NoAnswer):
        texts()


def test_no_such_name_and_no_such_record(zone: Zone) -> None:
    assert texts() == []
    zone.nothing(ASKED)
    assert texts() == []


def test_records_of_another_name_count_for_nothing(zone: Zone) -> None:
    zone.says(ASKED, lambda query: reply(query, ("books.evil.example.", "TXT", '"libraryhub-verify=abc"')))
    assert texts() == []


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTIMP])
def test_a_server_that_fails(zone: Zone, rcode: dns.rcode.Rcode) -> None:
    zone.fails(ASKED, rcode)
    with pytest.raises(NoAnswer):
        texts()


def test_silence_ends_in_time(zone: Zone) -> None:
    zone.silent(ASKED)
    began = time.monotonic()
    with pytest.raises(NoAnswer):
        texts()
    # (the resolver waits for a second here; it would wait for an answer for ever)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    "lie",
    [
        lambda query: b"",
        lambda query: b"\x00" * 7,
        lambda query: b"\xff" * 512,
        lambda query: query.to_wire()[:-3],
        # The answer to another question than ours, and one with another number.
        lambda query: reply(
            dns.message.make_query("other.example.", "TXT", id=query.id),
            (ASKED, "TXT", '"libraryhub-verify=abc"'),
        ),
        lambda query: reply(
            dns.message.make_query(ASKED, "TXT", id=(query.id + 1) % 65536),
            (ASKED, "TXT", '"libraryhub-verify=abc"'),
        ),
        # A query that comes back as it went.
        lambda query: query,
    ],
    ids=["empty", "short", "garbage", "cut", "other-question", "other-number", "echo"],
)
def test_a_lie_is_no_answer(zone: Zone, lie: Any) -> None:
    zone.says(ASKED, lie)
    with pytest.raises(NoAnswer):
        texts()


def test_what_does_not_fit_is_asked_for_again_by_tcp(zone: Zone) -> None:
    many = [f'"record {number} {"x" * 200}"' for number in range(30)]

    def cut(query: Any) -> Any:
        answer = reply(query, (ASKED, "TXT", *many))
        if len(zone.questions) == 1:
            answer.answer.clear()
            answer.flags |= dns.flags.TC
        return answer

    zone.says(ASKED, cut)
    assert len(texts()) == 30
    assert zone.questions == [(ASKED, "udp"), (ASKED, "tcp")]


def test_no_more_records_than_anybody_has(zone: Zone) -> None:
    def many(query: Any) -> Any:
        answer = reply(query, (ASKED, "TXT", *[f'"record {number}"' for number in range(MAX_RECORDS + 20)]))
        if len(zone.questions) == 1:
            answer.answer.clear()
            answer.flags |= dns.flags.TC
        return answer

    zone.says(ASKED, many)
    assert len(texts()) == MAX_RECORDS


def test_nobody_listens(settings: Any) -> None:
    settings.DNS_NAMESERVERS, settings.DNS_SECONDS = ("127.0.0.1:1",), 0.4
    with pytest.raises(NoAnswer):
        texts()


def test_an_address_of_ip_version_6(settings: Any) -> None:
    settings.DNS_NAMESERVERS, settings.DNS_SECONDS = ("[::1]:1", "::1"), 0.4
    with pytest.raises(NoAnswer):
        texts()


def test_the_settings_say_who_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WrittenRecords.records, NAME, ["written down"])
    assert texts_of(NAME) == ["written down"]
