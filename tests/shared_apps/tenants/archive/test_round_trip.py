"""Out of one place and into another: nothing is lost, nothing is added, and what must not go along stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection, transaction
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken

from saas.core import clock
from saas.core.db.owner import OWNER, owner_connection
from saas.core.principals import SYSTEM
from saas.core.schemas import read_facts
from saas.core.tenancy import LibraryContext, in_library, in_public
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from shared_apps.fleet.models import LibrarySchema
from shared_apps.fleet.services import current_key
from shared_apps.tenants.archive import importing, tables
from shared_apps.tenants.archive.importing import Target, _row_here
from shared_apps.tenants.models import Domain, Library
from shared_apps.tenants.selectors import find_library_by_subdomain
from shared_apps.tenants.services.lifecycle import resume_library, suspend_library
from tenant_apps.branches.models import Branch
from tests.database import PASSWORD
from tests.factories import NOW, BranchFactory
from tests.shared_apps.tenants.archive.conftest import Answer, forget
from tests.shared_apps.tenants.archive.content import AWKWARD, FILES
from tests.shared_apps.tenants.archive.synthetic import ROW, contents_of

Run = Callable[..., Answer]


def found(subdomain: str) -> LibraryContext:
    library = find_library_by_subdomain(subdomain)
    assert library is not None
    return library


def contents_without_time(path: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    contents = contents_of(path.read_bytes())
    manifest = json.loads(contents.pop("manifest.json"))
    del manifest["made"]
    return contents, manifest


def test_export_import_export_gives_the_same_bytes(
    source: LibraryContext, archive: Path, tmp_path: Path, library_command: Run
) -> None:
    """The same id and subdomain, in a schema of another name: the first library is gone when the second comes."""
    seal = library_command("export", "east", tmp_path / "again.tar", "--json").json["seal"]
    with in_public():
        row = Library.objects.get(subdomain="east")
        Domain.objects.filter(tenant=row).delete()
        Library.objects.filter(pk=row.pk).update(
            id="00000000-0000-4000-8000-000000000000", subdomain="elsewhere"
        )
        assert Library.objects.filter(pk=row.pk).delete()
    try:
        answer = library_command("import", archive, "--subdomain", "east", "--json")
        assert answer.code == 0, answer.err
        assert (answer.json["kept_id"], answer.json["id"]) == (True, str(source.id))
        arrived = found("east")
        assert arrived.schema_name != source.schema_name
        assert library_command("export", "east", tmp_path / "second.tar", "--json").json["seal"] == seal
        first, second = contents_without_time(archive), contents_without_time(tmp_path / "second.tar")
        assert first[0].keys() == second[0].keys()
        assert first == second
        assert archive.stat().st_size == (tmp_path / "second.tar").stat().st_size
    finally:
        with in_public():
            copy = Library.objects.filter(subdomain="east").first()
            if copy is not None:
                forget(copy)
            Library.objects.filter(subdomain="elsewhere").delete()
            row.save(force_insert=True)


def test_the_schema_is_like_its_original_fact_by_fact(archive: Path, library_command: Run) -> None:
    assert library_command("import", archive, "--subdomain", "eastern").code == 0
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        assert read_facts(cursor, found("eastern").schema_name) == read_facts(cursor, "lib_east")
    with in_public():
        row = LibrarySchema.objects.get(pk=found("eastern").schema_name)
    assert (row.state, row.release, row.error) == ("taken", current_key(), "")


def test_what_arrives_is_the_library(
    source: LibraryContext, archive: Path, media: Path, library_command: Run, api: Callable[..., Any]
) -> None:
    answer = library_command("import", archive, "--subdomain", "eastern", "--json")
    assert answer.code == 0, answer.err
    assert not answer.json["kept_id"]
    arrived = found("eastern")
    assert arrived.id != source.id
    assert (arrived.name, arrived.status, arrived.plan) == (source.name, "active", "free")
    with in_library(arrived):
        entry = AuditEntry.objects.get(action="thing.happened")
        assert entry.changes == {"text": AWKWARD, "n": 1.5}
        assert entry.personal.values == {"a": [1]}
        # The next id is the one that the original would have given.
        last = AuditEntry.objects.order_by("pk").last()
        assert last is not None
        following = AuditEntry.objects.create(at=entry.at, action="thing.next", actor_kind="system")
        assert following.pk == last.pk + 2
        user = User.objects.get(email="librarian@east.example")
        assert user.check_password(PASSWORD)
    stored = media / arrived.schema_name
    assert {
        str(path.relative_to(stored)): path.read_bytes() for path in stored.rglob("*") if path.is_file()
    } == FILES
    assert {path.stat().st_mode & 0o777 for path in stored.rglob("*") if path.is_file()} == {0o600}
    branches = api(arrived, user).get("/api/v1/branches/").json()
    assert {branch["code"] for branch in branches["results"]} == {"main", "corner"}


def test_sessions_and_tokens_stay_behind(source: LibraryContext, archive: Path, library_command: Run) -> None:
    with in_library(source):
        assert (Session.objects.count(), OutstandingToken.objects.count()) == (1, 1)
        user = User.objects.get(email="librarian@east.example")
        token = str(RefreshToken.for_user(user).access_token)
    contents, manifest = contents_without_time(archive)
    assert manifest["left_out"] == [
        "accounts_mailedcode",
        "accounts_usersession",
        "django_session",
        "token_blacklist_blacklistedtoken",
        "token_blacklist_outstandingtoken",
    ]
    for name in manifest["left_out"]:
        assert contents[f"tables/{name}.tsv"] == b""
    assert library_command("import", archive, "--subdomain", "eastern").code == 0
    with in_library(found("eastern")):
        assert (Session.objects.count(), OutstandingToken.objects.count()) == (0, 0)

    def status(host: str) -> int:
        client = APIClient(HTTP_HOST=f"{host}.localhost", HTTP_AUTHORIZATION=f"Bearer {token}")
        return int(client.get("/api/v1/branches/").status_code)

    assert (status("east"), status("eastern")) == (200, 401)


def test_the_rows_are_those_of_one_moment(
    source: LibraryContext, tmp_path: Path, library_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A branch that is added while the tables are written is in none of them."""
    written = tables.copy_out

    def slowly(cursor: Any, schema: str, table: Any) -> Any:
        if table.name == "audit_auditentry":
            with in_library(source):
                BranchFactory(code="late")
        return written(cursor, schema, table)

    monkeypatch.setattr(tables, "copy_out", slowly)
    assert library_command("export", "east", tmp_path / "a.tar").code == 0
    contents, _manifest = contents_without_time(tmp_path / "a.tar")
    assert b"late" not in contents["tables/branches_branch.tsv"]
    assert b"corner" in contents["tables/branches_branch.tsv"]
    with in_library(source):
        assert Branch.objects.filter(code="late").exists()


def test_domains_are_to_be_proven_again(archive: Path, library_command: Run) -> None:
    answer = library_command("import", archive, "--subdomain", "eastern", "--json")
    assert answer.json["hosts"] == ["books.east.example"]
    with in_public():
        domain = Domain.objects.get(tenant__subdomain="eastern")
    assert (domain.domain, domain.proven_at) == ("books.east.example", None)
    assert domain.token not in {"", "t" * 32}


def test_other_domains_and_another_plan(archive: Path, library_command: Run) -> None:
    answer = library_command(
        "import",
        archive,
        "--subdomain",
        "eastern",
        "--plan",
        "starter",
        "--host",
        "Books.Example.org",
        "--host",
        "b.example.org",
    )
    assert answer.code == 0, answer.err
    with in_public():
        library = Library.objects.get(subdomain="eastern")
        assert library.plan == "starter"
        assert set(library.domains.values_list("domain", flat=True)) == {"books.example.org", "b.example.org"}


def test_the_import_is_in_the_audit_log(archive: Path, library_command: Run) -> None:
    seal = library_command("import", archive, "--subdomain", "eastern", "--json").json["seal"]
    with in_public():
        entry = AuditEntry.objects.get(action="library.imported")
        library = Library.objects.get(subdomain="eastern")
    assert entry.target_id == str(library.pk)
    assert (entry.changes["subdomain"], entry.changes["seal"]) == ("eastern", seal)


def test_requests_work_under_the_role_of_the_new_library(archive: Path, library_command: Run) -> None:
    assert library_command("import", archive, "--subdomain", "eastern").code == 0
    schema = found("eastern").schema_name
    with in_library(found("eastern")), connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_schema()")
        assert cursor.fetchone() == (schema, schema)
        cursor.execute("SELECT has_schema_privilege(%s, 'lib_east', 'USAGE')", [schema])
        assert cursor.fetchone() == (False,)


def test_a_commit_whose_answer_gets_lost(
    archive: Path, media: Path, library_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks after the server has committed: the library is there, so it is not said to have failed."""
    written = importing._write_public_rows

    def lost() -> None:
        raise OperationalError("server closed the connection unexpectedly") from psycopg.OperationalError()

    def then_lost(*args: Any) -> LibraryContext:
        transaction.on_commit(lost, using=OWNER)
        return written(*args)

    monkeypatch.setattr(importing, "_write_public_rows", then_lost)
    assert library_command("import", archive, "--subdomain", "eastern").code == 0
    stored = media / found("eastern").schema_name
    assert sum(1 for path in stored.rglob("*") if path.is_file()) == len(FILES)


def test_a_suspended_library_stays_so_unless_it_is_reopened(
    source: LibraryContext, tmp_path: Path, library_command: Run
) -> None:
    suspend_library(library_id=source.id, reason="", by=SYSTEM, now=clock.now())
    try:
        assert library_command("export", "east", tmp_path / "a.tar").code == 0
    finally:
        resume_library(library_id=source.id, reason="", by=SYSTEM, now=clock.now())
    assert library_command("import", tmp_path / "a.tar", "--subdomain", "eastern").code == 0
    assert library_command("import", tmp_path / "a.tar", "--subdomain", "reopened", "--reopen").code == 0
    assert (found("eastern").status, found("reopened").status) == ("suspended", "active")
    with in_public():
        assert Library.objects.get(subdomain="eastern").suspended_at is not None
        assert Library.objects.get(subdomain="reopened").suspended_at is None


# -- clone ------------------------------------------------------------------------------------------------------------


def test_a_clone_is_a_copy_that_sends_nothing(
    source: LibraryContext, library_command: Run, everything: Callable[[], dict[str, Any]]
) -> None:
    answer = library_command("clone", "east", "east-trial", "--json")
    assert answer.code == 0, answer.err
    clone = found("east-trial")
    assert (clone.id == source.id, clone.status, answer.json["hosts"]) == (False, "active", [])
    with in_library(source):
        pending = OutboxMessage.objects.get(delivered_at=None, parked_at=None)
        branches = list(Branch.objects.order_by("pk").values())
    with in_library(clone):
        assert list(Branch.objects.order_by("pk").values()) == branches
        assert not OutboxMessage.objects.filter(delivered_at=None, parked_at=None).exists()
        assert "cloned" in OutboxMessage.objects.get(pk=pending.pk).last_error
        assert OutboxMessage.objects.count() == 3
    # The other one is not touched by what happens to its copy.
    with in_library(clone):
        Branch.objects.filter(code="corner").update(name="changed")
    with in_library(source):
        assert list(Branch.objects.order_by("pk").values()) == branches


@pytest.mark.parametrize(
    ("status", "standing", "reopened", "cloned"),
    [
        ("trialing", "active", "trialing", "trialing"),
        ("past_due", "active", "past_due", "active"),
        ("restricted", "past_due", "past_due", "active"),
        ("closed", "trialing", "trialing", "trialing"),
    ],
)
def test_what_a_library_is_once_nothing_holds_it_back(
    status: str, standing: str, reopened: str, cloned: str
) -> None:
    held = {f"{status}_at": NOW} if status in {"restricted", "closed"} else {}
    row = replace(ROW, status=status, standing=standing, **held)
    assert _row_here(row, Target("x"), NOW) == row
    open_again = _row_here(row, Target("x", reopen=True), NOW)
    assert (open_again.status, open_again.restricted_at, open_again.closed_at) == (reopened, None, None)
    assert _row_here(row, Target("x", reopen=True, sandbox=True), NOW).status == cloned


def test_an_import_delivers_what_was_pending(
    source: LibraryContext, archive: Path, library_command: Run
) -> None:
    assert library_command("import", archive, "--subdomain", "eastern").code == 0
    with in_library(source):
        pending = list(OutboxMessage.objects.filter(delivered_at=None, parked_at=None).values())
    with in_library(found("eastern")):
        assert list(OutboxMessage.objects.filter(delivered_at=None, parked_at=None).values()) == pending
    assert len(pending) == 1


def test_a_clone_of_nothing_and_to_a_taken_name(
    source: LibraryContext, library_command: Run, everything: Callable[[], dict[str, Any]]
) -> None:
    before = everything()
    assert library_command("clone", "nowhere", "east-trial").code == 1
    assert library_command("clone", "east", "west").code == 1
    assert library_command("clone", "east", "admin").code == 1
    assert everything() == before
