"""What a library's own domain may be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas.core.tenancy.hosts import normalise_host
from shared_apps.tenants.domain_names import (
    DomainRefused,
    display,
    new_token,
    normalise,
    proof_name,
    proof_value,
    proves,
)


@pytest.mark.parametrize(
    ("wanted", "stored"),
    [
        ("catalogue.example.org", "catalogue.example.org"),
        ("  Catalogue.Example.ORG. ", "catalogue.example.org"),
        ("example.org", "example.org"),
        ("a.b.c.d.example.org", "a.b.c.d.example.org"),
        ("München.example", "xn--mnchen-3ya.example"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("bücher。example。org", "xn--bcher-kva.example.org"),
        ("9gag.example", "9gag.example"),
        ("library.xn--p1ai", "library.xn--p1ai"),
        ("localhost.example.org", "localhost.example.org"),
    ],
)
def test_a_domain_has_one_form(wanted: str, stored: str) -> None:
    assert normalise(wanted) == stored
    # What is stored is what a Host header becomes.
    assert normalise_host(stored) == stored


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("", "not_a_domain"),
        (".", "not_a_domain"),
        ("library", "not_a_domain"),
        ("*.example.org", "not_a_domain"),
        ("_dmarc.example.org", "not_a_domain"),
        ("-a.example.org", "not_a_domain"),
        ("a..example.org", "not_a_domain"),
        ("books.example.org:8443", "not_a_domain"),
        ("https://books.example.org", "not_a_domain"),
        ("books.example.org/path", "not_a_domain"),
        ("books example.org", "not_a_domain"),
        ("books.example.org\x00", "not_a_domain"),
        ("books.example.org\n.evil.example", "not_a_domain"),
        ("user@example.org", "not_a_domain"),
        ("xn--a.example", "not_a_domain"),
        ("\ud800.example", "not_a_domain"),
        ("books.example.123", "not_a_domain"),
        ("0x7f.0x1", "not_a_domain"),
        ("127.0.0.1", "ip_address"),
        ("::1", "ip_address"),
        ("[2001:db8::1]", "ip_address"),
        ("127.1", "not_a_domain"),
        (f"{'a' * 64}.example", "not_a_domain"),
        (".".join(["a" * 60] * 5), "too_long"),
        (".".join(["a" * 60] * 4), "too_long"),
        ("x" * 3000, "too_long"),
        ("north.localhost", "not_public"),
        ("printer.local", "not_public"),
        ("db.internal", "not_public"),
        ("1.0.0.127.in-addr.arpa", "not_public"),
        ("hidden.onion", "not_public"),
    ],
)
def test_what_is_no_domain_of_ones_own(wanted: str, reason: str) -> None:
    with pytest.raises(DomainRefused) as refusal:
        normalise(wanted)
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    "wanted",
    [
        "hub.example",
        "riverside.hub.example",
        "a.riverside.hub.example",
        "HUB.example.",
        "www.sales.example",
        "sales.example",
    ],
)
def test_names_of_ours_are_refused(settings: Any, wanted: str) -> None:
    settings.BASE_DOMAINS, settings.PUBLIC_URL = ("hub.example",), "https://sales.example/"
    with pytest.raises(DomainRefused) as refusal:
        normalise(wanted)
    assert refusal.value.reason == "ours"
    assert normalise("nothub.example") == "nothub.example"


@given(st.text(max_size=80))
def test_whatever_is_written_ends_as_a_host_name_or_is_refused(wanted: str) -> None:
    try:
        stored = normalise(wanted)
    except DomainRefused:
        return
    assert normalise(stored) == stored
    assert normalise_host(stored) == stored


def test_how_people_read_it() -> None:
    assert display("xn--mnchen-3ya.example") == "münchen.example"
    assert display("catalogue.example.org") == "catalogue.example.org"
    assert display("xn--a.example") == "xn--a.example"


def test_the_proof() -> None:
    token = new_token()
    assert proof_name("books.example.org") == "_libraryhub.books.example.org"
    assert proves(["v=spf1", proof_value(token)], token)
    assert proves([f' "{proof_value(token)}" '], token)
    for others in (
        [],
        [token],
        [proof_value(token)[:-1]],
        [proof_value(token) + "x"],
        [proof_value(new_token())],
    ):
        assert not proves(others, token)
    assert proof_value(token) != proof_value(new_token())
    assert not proves(["libraryhub-verify="], token)
    assert not proves(["libraryhub-verify="], "")
