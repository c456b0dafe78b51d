"""An event is one line, one count and one row, whatever somebody sends."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from prometheus_client.parser import text_string_to_metric_families

from saas.core import metrics
from saas.core.principals import ANONYMOUS, Actor
from saas.core.security_events import MAX_FACT, Kind, SecurityEvent, security_event
from saas.core.tenancy import in_library
from saas.settings.logging import logging_for
from shared_apps.security.models import SecurityEvent as Row

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the JSON form writes."""
    stream = io.StringIO()
    config = logging_for("json", "INFO")
    config["handlers"]["stderr"]["stream"] = stream
    logging.config.dictConfig(config)
    yield stream
    logging_for("readable", "WARNING")
    logging.config.dictConfig(django_settings.LOGGING)


def counted(kind: Kind, site: str = "library") -> float:
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            if (
                sample.name == "libraryhub_security_events_total"
                and sample.labels.get("kind") == kind.value
                and sample.labels.get("site") == site
            ):
                return sample.value
    return 0.0


def test_an_event_is_a_line_a_count_and_a_row(lines: io.StringIO, north: Any, south: Any) -> None:
    before = counted(Kind.CODE_REFUSED)
    with in_library(north):
        security_event(
            Kind.CODE_REFUSED, user_id=7, by=Actor("person", 7), address="address:192.0.2.1", reason="wrong"
        )
        (row,) = Row.objects.all()
    with in_library(south):
        assert not Row.objects.exists()
    (line,) = [json.loads(text) for text in lines.getvalue().splitlines()]
    assert (line["event"], line["level"], line["user_id"], line["actor_user_id"]) == (
        "code_refused",
        "warning",
        7,
        7,
    )
    assert (line["address"], line["reason"]) == ("address:192.0.2.1", "wrong")
    assert (row.kind, row.user_id, row.actor_user_id, row.address, row.facts, row.count) == (
        "code_refused",
        7,
        7,
        "address:192.0.2.1",
        {"reason": "wrong"},
        1,
    )
    assert counted(Kind.CODE_REFUSED) == before + 1


def test_what_is_sent_forges_no_line_and_shows_no_secret(lines: io.StringIO, in_north: Any) -> None:
    security_event(
        Kind.SIGN_IN_REFUSED,
        path='/x\r\n{"event":"forged"}\x1b[31m\u2028',
        agent="A" * 100_000,
        refresh_token="SECRET-1",
        password="SECRET-2",
    )
    assert len(lines.getvalue().splitlines()) == 1
    line = json.loads(lines.getvalue())
    assert line["event"] == "sign_in_refused"
    assert "\\x0d\\x0a" in line["path"]
    (row,) = Row.objects.all()
    for shown in (lines.getvalue(), str(row.facts)):
        assert "SECRET" not in shown
        assert "\x1b" not in shown
        assert len(shown) < 1_000
    assert row.facts["agent"] == "A" * MAX_FACT
    assert row.facts["password"] == row.facts["refresh_token"] == "***"


def test_a_change_is_no_warning(lines: io.StringIO, in_north: Any) -> None:
    security_event(Kind.ROLE_REVOKED, by=Actor("person", 1), role="librarian")
    assert json.loads(lines.getvalue())["level"] == "info"


def test_where_a_request_came_from_is_known_without_saying(api: Any, north: Any, settings: Any) -> None:
    """The kernel knows the request; nobody has to hand the address on."""
    client = api(north)
    client.credentials(HTTP_AUTHORIZATION="Bearer not.a.token")
    assert client.get("/api/v1/me/", REMOTE_ADDR="198.51.100.9").status_code == 401
    with in_library(north):
        (row,) = Row.objects.all()
    assert (row.kind, row.address) == ("token_refused", "address:198.51.100.9")
    assert row.request_id


def test_the_subject_is_who_acted_else_where_it_came_from() -> None:
    def subject(by: Actor, address: str) -> str:
        return SecurityEvent(Kind.CODE_REFUSED, None, None, by, address, {}).subject  # type: ignore[arg-type]

    assert subject(Actor("person", 7), "address:192.0.2.1") == "user:7"
    assert subject(ANONYMOUS, "address:192.0.2.1") == "address:192.0.2.1"
    assert subject(Actor("system", label="system"), "") == "system"


def test_names_of_events_are_for_good() -> None:
    """Rows, dashboards and clients hold them: one that is here is never renamed or taken away."""
    assert {kind.value for kind in Kind} >= {
        "sign_in_refused",
        "sign_in_limited",
        "refresh_reused",
        "token_refused",
        "foreign_token",
        "permission_denied",
        "csrf_refused",
        "role_granted",
        "key_created",
        "visit_started",
    }
