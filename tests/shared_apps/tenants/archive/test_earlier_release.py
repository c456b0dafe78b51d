"""An archive of an earlier release: its schema is made as it was there, filled, and migrated on the way."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import transaction
from django.db.migrations import AddIndex

from saas.core.db.owner import OWNER, owner_connection
from saas.core.schemas import read_facts, write_script
from saas.core.tenancy import LibraryContext, in_library, in_public
from shared_apps.accounts.models import User
from shared_apps.fleet.models import LibrarySchema, Release
from shared_apps.fleet.services import arriving, current_key, key_of, library_migrations
from shared_apps.tenants.models import Library
from shared_apps.tenants.selectors import find_library_by_subdomain
from tests.factories import NOW
from tests.shared_apps.tenants.archive.conftest import Answer

pytestmark = [pytest.mark.deep, pytest.mark.slow]
Run = Callable[..., Answer]
# Some of what these leave out rewrites rows: addresses become lower case, a second primary address is put right.
NOT_YET = {
    "account": {"0006_emailaddress_lower", "0007_emailaddress_idx_email"}
    | {"0008_emailaddress_unique_primary_email_fixup", "0009_emailaddress_unique_primary_email"},
    "mfa": {"0002_authenticator_timestamps", "0003_authenticator_type_uniq"},
    "guardian": {"0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"},
    "circulation": {"0001_initial"},
}
MISSING = {f"{app}.{name}" for app, names in NOT_YET.items() for name in names}
_ROWS = """
    INSERT INTO {schema}.accounts_user
        (id, version, password, is_superuser, email, name, language, is_active, is_staff, date_joined)
    VALUES (7, 1, '!', false, 'ada@old.example', 'Ada', '', true, false, now());
    INSERT INTO {schema}.account_emailaddress (id, email, verified, "primary", user_id)
    VALUES (1, 'Ada@Old.Example', true, true, 7), (2, 'second@old.example', true, true, 7);
    INSERT INTO {schema}.mfa_authenticator (id, type, data, user_id) VALUES (1, 'totp', '{{"secret": "x"}}', 7);
    SELECT setval('{schema}.account_emailaddress_id_seq', 2);
"""


@pytest.fixture
def has() -> frozenset[str]:
    """The migrations of the earlier release."""
    known = frozenset(library_migrations())
    assert known > MISSING
    return known - MISSING


@pytest.fixture
def earlier(source: LibraryContext, has: frozenset[str]) -> Library:
    """A library of the earlier release, called "earlier"."""
    with owner_connection() as wrapper, transaction.atomic(using=OWNER), wrapper.cursor() as cursor:
        schema = arriving.make_schema_as_of(wrapper, has)
        cursor.execute(_ROWS.format(schema=schema))
        library = Library(
            id=uuid.uuid4(),
            schema_name=schema,
            subdomain="earlier",
            name="Earlier",
            status="active",
            created_at=NOW,
        )
        library.save(using=OWNER, force_insert=True)
    return library


@pytest.fixture
def old_archive(earlier: Library, has: frozenset[str], tmp_path: Path, library_command: Run) -> Path:
    path = tmp_path / "earlier.tar"
    answer = library_command("export", "earlier", path, "--json")
    assert answer.code == 0, answer.err
    assert answer.json["release"] == key_of(has) != current_key()
    return path


def arrived(answer: Answer) -> LibraryContext:
    assert answer.code == 0, answer.err
    library = find_library_by_subdomain("later")
    assert library is not None
    return library


def test_it_is_migrated_on_the_way(old_archive: Path, library_command: Run) -> None:
    answer = library_command("import", old_archive, "--subdomain", "later", "--json")
    library = arrived(answer)
    assert set(answer.json["migrated"]) == MISSING
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        assert read_facts(cursor, library.schema_name) == read_facts(cursor, "lib_east")
        cursor.execute(f'SELECT email, "primary" FROM {library.schema_name}.account_emailaddress ORDER BY id')
        assert cursor.fetchall() == [("ada@old.example", True), ("second@old.example", False)]
        cursor.execute(f"SELECT data, created_at IS NULL FROM {library.schema_name}.mfa_authenticator")
        assert cursor.fetchall() == [('{"secret": "x"}', False)]
        cursor.execute(f"SELECT count(*) FROM {library.schema_name}.circulation_loan")
        assert cursor.fetchone() == (0,)
        query = "SELECT c.app_label, c.model, p.codename FROM {0}.auth_permission p JOIN {0}.django_content_type c"
        query += " ON c.id = p.content_type_id ORDER BY 1, 2, 3"
        cursor.execute(query.format(library.schema_name))
        permissions = cursor.fetchall()
        cursor.execute(query.format("lib_east"))
        assert permissions == cursor.fetchall()
    with in_public():
        assert LibrarySchema.objects.get(pk=library.schema_name).release == current_key()
    with in_library(library):
        assert User.objects.get(email="ada@old.example").pk == 7


def test_it_leaves_in_the_present_release(old_archive: Path, tmp_path: Path, library_command: Run) -> None:
    arrived(library_command("import", old_archive, "--subdomain", "later"))
    assert library_command("export", "later", tmp_path / "a.tar", "--json").json["release"] == current_key()
    assert (
        library_command("import", tmp_path / "a.tar", "--subdomain", "latest", "--json").json["migrated"]
        == []
    )


def test_a_check_names_what_it_lacks(old_archive: Path, library_command: Run) -> None:
    answer = library_command("import", old_archive, "--subdomain", "later", "--check", "--json")
    assert set(answer.json["migrated"]) == MISSING
    assert find_library_by_subdomain("later") is None


@pytest.fixture
def known_release(earlier: Library, has: frozenset[str]) -> Iterator[None]:
    """The database has met the earlier release, and kept how to make a schema of it."""
    with owner_connection() as wrapper:
        with wrapper.cursor() as cursor:
            tables = ("django_migrations", "django_content_type", "auth_permission")
            script = write_script(cursor, earlier.schema_name, rows_of=tables)
        row = Release(
            key=key_of(has), migrations=sorted(has), script=script, fingerprint="", shape="", server=18
        )
        row.save(using=OWNER)
        yield
        row.delete(using=OWNER)


@pytest.mark.usefixtures("known_release")
def test_a_release_that_is_known_here_is_not_migrated_up_to(
    old_archive: Path, library_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_args: Any) -> None:
        raise AssertionError("the stored script makes the schema")

    monkeypatch.setattr(arriving, "_migrate_up_to", never)
    library = arrived(library_command("import", old_archive, "--subdomain", "later"))
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        assert read_facts(cursor, library.schema_name) == read_facts(cursor, "lib_east")


def test_a_migration_that_fails_leaves_nothing(
    old_archive: Path,
    library_command: Run,
    everything: Callable[[], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = everything()
    fixup = import_module("allauth.account.migrations.0008_emailaddress_unique_primary_email_fixup")
    with monkeypatch.context() as patch:
        patch.setattr(fixup.Migration, "operations", [])  # so that 0009 meets two primary addresses
        answer = library_command("import", old_archive, "--subdomain", "later", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (3, "bad_row")
    assert "unique_primary_email" in answer.err
    assert everything() == before
    arrived(library_command("import", old_archive, "--subdomain", "later"))


def test_indexes_made_concurrently_are_made_plainly(
    old_archive: Path, library_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No transaction allows CREATE INDEX CONCURRENTLY, and nobody reads the schema yet."""
    name = "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"
    migration = import_module(f"guardian.migrations.{name}").Migration
    operations = [
        AddIndexConcurrently(each.model_name, each.index) if isinstance(each, AddIndex) else each
        for each in migration.operations
    ]
    assert operations != migration.operations
    monkeypatch.setattr(migration, "operations", operations)
    monkeypatch.setattr(migration, "atomic", False)
    library = arrived(library_command("import", old_archive, "--subdomain", "later"))
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        assert read_facts(cursor, library.schema_name) == read_facts(cursor, "lib_east")
