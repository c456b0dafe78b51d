"""SQL injected into a statement of ours sees its own library alone: the database refuses the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.urls import clear_url_caches

from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from tenant_apps.branches.models import Branch
from tests.hazards.matrix import connected
from tests.hazards.scene import Scene
from tests.hazards.test_matrix import arrange
from tests.hazards.vulnerable import search

DENIED = psycopg.errors.InsufficientPrivilege.sqlstate
TWO_STATEMENTS = psycopg.errors.SyntaxError.sqlstate
Attack = Callable[[str], dict[str, Any]]


@pytest.fixture
def attack(east: Any, west: Any, settings: Any) -> Iterator[Attack]:
    """Sends a text to the vulnerable view of the library east, as a visitor who is not signed in."""
    settings.LIBRARY_URLCONF = "tests.hazards.vulnerable"
    clear_url_caches()
    client = Client(HTTP_HOST="east.localhost")

    def send(text: str) -> dict[str, Any]:
        answer = client.get("/vulnerable/", {"q": text})
        assert answer.status_code == 200
        told: dict[str, Any] = answer.json()
        return told

    yield send
    clear_url_caches()


def union(selected: str) -> str:
    return f"' UNION SELECT {selected} --"


def stacked(*statements: str) -> str:
    return f"'; {'; '.join(statements)} --"


NEIGHBOUR = "email FROM lib_west.accounts_user"
READS = {
    "a neighbour's table": (union(NEIGHBOUR), DENIED),
    "a public table": (union("subdomain FROM public.tenants_library"), DENIED),
    "public accounts": (union("email FROM public.accounts_user"), DENIED),
    "a neighbour's table by text": (
        union(f"query_to_xml('SELECT {NEIGHBOUR}', true, true, '')::text"),
        DENIED,
    ),
    "another role by set_config": (union("set_config('role', 'lib_west', false)"), DENIED),
    "another path by set_config": (union("set_config('search_path', 'lib_west', false)"), DENIED),
    "set_config, then the neighbour": (
        union(
            f"set_config('role', 'lib_west', false) UNION ALL SELECT query_to_xml('SELECT {NEIGHBOUR}', true, true, '')::text"
        ),
        DENIED,
    ),
    "a file of the server": (union("pg_read_file('/etc/passwd')"), DENIED),
    "somebody's session ended": (
        union("pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE pid <> pg_backend_pid()"),
        DENIED,
    ),
    "samples of everybody's columns": (union("stavalues1::text FROM pg_statistic"), DENIED),
    "reset, then the neighbour": (stacked("RESET ROLE", f"SELECT {NEIGHBOUR}"), TWO_STATEMENTS),
    "another role, then the neighbour": (
        stacked("SET ROLE lib_west", f"SELECT {NEIGHBOUR}"),
        TWO_STATEMENTS,
    ),
    "another path": (
        stacked("SET search_path TO lib_west", "SELECT email FROM accounts_user"),
        TWO_STATEMENTS,
    ),
    "another path by pg_settings": (
        stacked("UPDATE pg_settings SET setting = 'lib_west' WHERE name = 'search_path'"),
        TWO_STATEMENTS,
    ),
    "the rows": (stacked("DELETE FROM branches_branch", "SELECT ''"), TWO_STATEMENTS),
    "the table": (stacked("DROP TABLE branches_branch CASCADE", "SELECT ''"), TWO_STATEMENTS),
    "a program of the server": (
        stacked("COPY branches_branch TO PROGRAM 'cat'", "SELECT ''"),
        TWO_STATEMENTS,
    ),
}


@pytest.mark.parametrize(("text", "code"), READS.values(), ids=READS)
def test_the_database_refuses(attack: Attack, east: Any, west: Any, text: str, code: str) -> None:
    def rows() -> list[Any]:
        held = []
        for library in (east, west):
            with in_library(library):
                held.append((list(Branch.objects.values()), list(User.objects.values())))
        return held

    before = rows()
    assert attack(text) == {"refused": code}
    # The connection goes on as if nothing had been.
    assert attack("main") == {"rows": ["main"]}
    assert rows() == before


def test_the_hole_is_there(attack: Attack) -> None:
    """Without this the refusals would prove nothing: what the library itself may read is read."""
    assert attack("main") == {"rows": ["main"]}
    assert attack("' OR true --") == {"rows": ["main"]}
    emails = attack(union("email FROM accounts_user"))["rows"]
    assert "librarian@east.example" in emails
    assert all(email.endswith("@east.example") for email in emails)
    assert attack(union("current_user::text"))["rows"] == ["lib_east"]


def test_other_sessions_are_not_told_of(attack: Attack, west: Any) -> None:
    with in_library(west):
        assert User.objects.exists()
    asked = attack(union("DISTINCT coalesce(query, '') FROM pg_stat_activity"))["rows"]
    assert {text for text in asked if text} <= {"<insufficient privilege>"}


def test_without_roles_a_neighbour_is_read(scene: Scene, settings: Any, django_db_blocker: Any) -> None:
    """What the roles are for: the same hole in an installation without them."""
    own, other = scene.libraries[:2]
    stolen = f"' UNION SELECT name FROM {other.schema_name}.branches_branch --"
    for with_roles, expected in (
        (False, {"rows": [other.schema_name]}),
        (True, {"refused": DENIED}),
    ):
        with django_db_blocker.unblock(), connected(arrange(scene, settings, with_roles=with_roles)):
            with in_library(own):
                assert search(stolen) == expected


BEHIND_A_POOLER = {
    "a neighbour's table": union("name FROM {other}.branches_branch"),
    "a public table": union("name FROM public.branches_branch"),
    "another role by set_config": union("set_config('role', '{other}', true)"),
    "another path by set_config": union("set_config('search_path', '{other}', true)"),
    "reset, then the neighbour": stacked("RESET ROLE", "SELECT name FROM {other}.branches_branch"),
    "another path": stacked("SET search_path TO {other}", "SELECT name FROM {other}.branches_branch"),
    "another path by pg_settings": stacked(
        "UPDATE pg_settings SET setting = '{other}' WHERE name = 'search_path'", "SELECT ''"
    ),
}


@pytest.mark.parametrize("text", BEHIND_A_POOLER.values(), ids=BEHIND_A_POOLER)
def test_behind_a_pooler_the_role_refuses(
    scene: Scene, pooler: dict[str, str], settings: Any, django_db_blocker: Any, text: str
) -> None:
    """There a second statement cannot be kept out, so that the role alone stands in the way."""
    own, other = scene.libraries[:2]
    with django_db_blocker.unblock(), connected(arrange(scene, settings, pooler=pooler)), in_library(own):
        assert search(text.format(other=other.schema_name)) == {"refused": DENIED}
        assert search(f"{own.schema_name}/0") == {"rows": [f"{own.schema_name}/0"]}
        assert connection.carries_switch  # type: ignore[attr-defined]
    assert scene.strays() == []
