"""Hostile and odd text in every field: refused or taken, never an error of ours, and never run or broken out of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core import mail
from django.test import Client

from shared_apps.delivery.services import relay
from shared_apps.signup.models import SignUp
from shared_apps.tenants.models import Library

pytestmark = pytest.mark.deep

SIGNUP, AVAILABILITY = "/api/v1/signup/", "/api/v1/signup/availability/"
FIELDS = (
    "library_name",
    "subdomain",
    "admin_name",
    "admin_email",
    "plan",
    "country",
    "language",
    "time_zone",
)


@pytest.fixture(scope="module")
def naughty(test_data: Path) -> list[str]:
    """The big list of naughty strings."""
    strings = json.loads((test_data / "badinput/blns/blns.json").read_text(encoding="utf-8"))
    assert len(strings) > 400
    return list(strings)


def test_naughty_strings_in_every_field_of_the_api(
    public_api: Any, body: dict[str, Any], naughty: list[str]
) -> None:
    client = public_api()
    codes = set()
    for number, text in enumerate(naughty[::2]):
        # One field each in turn, so that every field meets a good part of the list.
        answer = client.post(SIGNUP, {**body, FIELDS[number % len(FIELDS)]: text})
        codes.add(answer.status_code)
        assert answer.status_code in {202, 400}, (text, answer.content)
        assert answer["Content-Type"].startswith(("application/json", "application/problem+json"))
    assert codes == {202, 400}
    assert Library.objects.count() == 4  # those of the tests themselves


def test_naughty_strings_as_names_reach_the_mail_as_text(
    body: dict[str, Any], naughty: list[str], requested: Callable[..., Any]
) -> None:
    from saas.core.errors import ValidationFailed

    taken = 0
    for text in naughty[::5]:
        name = "".join(char for char in text if char.isprintable())[:200].strip()
        try:
            requested(library_name=name, admin_email=f"reader{taken}@harbour.example")
        except ValidationFailed:
            continue
        taken += 1
    assert taken > 50
    assert relay() == taken
    assert len(mail.outbox) == taken
    for message in mail.outbox:
        raw = message.message()
        assert len(raw.get_all("To")) == len(raw.get_all("Subject")) == 1
        assert "Bcc" not in raw
        html = str(message.alternatives[0][0])
        assert "<script" not in html.lower()
        assert "onerror" not in html.lower() or "<img" not in html.lower()


def test_naughty_strings_as_wanted_addresses(public_api: Any, naughty: list[str]) -> None:
    client = public_api()
    for text in naughty[::3]:
        answer = client.get(AVAILABILITY, {"subdomain": text})
        assert answer.status_code in {200, 400}, text
        if answer.status_code == 200 and not answer.json()["available"]:
            assert answer.json()["reason"]


def test_addresses_of_the_isemail_suite(public_api: Any, body: dict[str, Any], test_data: Path) -> None:
    """Whatever the suite says of an address, the answer is ours, and what is accepted is stored as it was sent."""
    tree = ElementTree.parse(test_data / "badinput/isemail/test/tests.xml")  # noqa: S314  a file of the test data
    addresses = [test.findtext("address") or "" for test in tree.iter("test")]
    assert len(addresses) > 100
    client = public_api()
    accepted = 0
    for address in addresses:
        answer = client.post(SIGNUP, {**body, "admin_email": address, "password": "seven-lamps-in-a-row"})
        if answer.status_code == 202:
            accepted += 1
            stored = SignUp.objects.get(pk=answer.json()["id"]).admin_email
            assert stored.lower() == address.lower().strip()
        else:
            assert answer.status_code == 400, address
            assert {problem["field"] for problem in answer.json()["errors"]} == {"admin_email"}, address
    assert 0 < accepted < len(addresses)


def test_naughty_strings_in_the_addresses_of_pages(db: None, naughty: list[str]) -> None:
    client = Client(HTTP_HOST="localhost")
    for text in naughty[::7]:
        assert client.get("/", {"plan": text}).status_code == 200
        assert client.get("/signup/check-your-mail/", {"id": text}).status_code == 200
        page = client.get("/signup/verify/", {"token": text})
        assert page.status_code == 400
        assert text not in page.content.decode() or "<" not in text


def test_an_answer_costs_a_bounded_number_of_queries(
    public_api: Any, north: Any, django_assert_max_num_queries: Any
) -> None:
    client = public_api()
    for wanted in ("north", "free-for-sure", "x" * 40, "admin"):
        with django_assert_max_num_queries(11):
            client.get(AVAILABILITY, {"subdomain": wanted})
