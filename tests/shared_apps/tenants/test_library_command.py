"""`manage.py library`: subcommands, and what a mistake in one says."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from saas.core.errors import Conflict
from shared_apps.audit.models import AuditEntry
from shared_apps.tenants import life_commands
from shared_apps.tenants.management.commands import library as command_module
from shared_apps.tenants.models import Library
from shared_apps.tenants.subcommands import Subcommand


def library(*args: str) -> str:
    out = io.StringIO()
    call_command("library", *args, stdout=out)
    return out.getvalue()


def test_the_status(north: Any) -> None:
    assert library("status", "north") == "north is active.\n"
    shown = json.loads(library("status", "north", "--json"))
    assert shown == {"id": str(north.id), "subdomain": "north", "status": "active"}


def test_a_change_of_status(north: Any) -> None:
    assert library("status", "north", "suspend", "--reason", "unpaid") == "north is suspended.\n"
    assert Library.objects.get(pk=north.id).status == "suspended"
    assert AuditEntry.objects.get(action="library.suspended").personal.values == {"reason": "unpaid"}
    assert library("status", "north", "resume") == "north is active.\n"
    assert library("status", "north", "close") == "north is closed.\n"
    with pytest.raises(CommandError, match="the library is closed"):
        library("status", "north", "suspend")
    assert Library.objects.get(pk=north.id).status == "closed"


def test_a_rename(north: Any) -> None:
    assert library("rename", "north", "Nordlys") == "north is nordlys now: http://nordlys.localhost:8000/\n"
    assert "xn--mnchen-3ya (münchen)" in library("rename", "nordlys", "München")
    assert Library.objects.get(pk=north.id).subdomain == "xn--mnchen-3ya"


def test_a_rename_that_is_refused(north: Any, south: Any) -> None:
    with pytest.raises(CommandError, match="reserved"):
        library("rename", "north", "admin")
    with pytest.raises(CommandError, match="Another library has this subdomain"):
        library("rename", "north", "south")
    with pytest.raises(CommandError, match="no library"):
        library("rename", "nowhere", "somewhere")
    assert Library.objects.get(pk=north.id).subdomain == "north"


def test_a_database_that_does_not_answer_gets_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def library_named(subdomain: str) -> Any:
        raise OperationalError("connection is bad:\nno such file\n")

    monkeypatch.setattr(life_commands, "library_named", library_named)
    with pytest.raises(CommandError) as raised:
        library("status", "north")
    assert str(raised.value) == "The database does not answer: connection is bad: no such file."


def test_an_unknown_library(db: None) -> None:
    with pytest.raises(CommandError, match='no library with the subdomain "nowhere"'):
        library("status", "nowhere")


def test_a_subcommand_is_needed() -> None:
    with pytest.raises(CommandError, match="SUBCOMMAND"):
        library()


def test_a_refusal_is_shown_as_its_detail(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(command: Any, options: Any) -> None:
        raise Conflict("Not while it rains.")

    monkeypatch.setitem(
        command_module.SUBCOMMANDS, "status", Subcommand("status", "", lambda parser: None, refuse)
    )
    with pytest.raises(CommandError, match="Not while it rains"):
        library("status")


def test_each_subcommand_has_a_name_of_its_own() -> None:
    listed = [
        each.name
        for each in (*command_module.life_commands.SUBCOMMANDS, *command_module.archive_commands.SUBCOMMANDS)
    ]
    assert len(listed) == len(set(listed))
