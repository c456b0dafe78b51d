"""The end of a library: everything of it is gone, nothing of its neighbour, whatever happens on the way."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import LibraryContext, in_library
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from shared_apps.fleet import services as fleet
from shared_apps.tenants import services, tasks
from shared_apps.tenants.errors import InvalidTransition
from shared_apps.tenants.models import Domain, FormerSubdomain, Library
from shared_apps.tenants.selectors import find_library_by_subdomain, subdomain_state
from shared_apps.tenants.services import erasure
from shared_apps.tenants.services.erasure import erase_library, libraries_to_erase
from shared_apps.tenants.services.lifecycle import close_library, restore_library
from shared_apps.tenants.services.renaming import rename_library
from tests.snapshots import differences, snapshot

PROJECT = Path(__file__).resolve().parents[3]
NOW = clock.now()
LATER = NOW + dt.timedelta(days=30)


def provision() -> LibraryContext:
    return services.provision_library(
        name="Doomed Library",
        subdomain="doomed",
        plan="free",
        country="IT",
        language="en",
        time_zone="Europe/Rome",
        admin_email="first@doomed.example",
        admin_name="First Admin",
        admin_password_hash=make_password("correct-horse-battery"),
        now=NOW,
    )


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any, settings: Any, tmp_path: Path) -> Iterator[None]:
    """Really commits in the public schema; what the test made is deleted afterwards."""
    settings.MEDIA_ROOT = tmp_path / "media"
    with django_db_blocker.unblock():
        entries = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        messages = OutboxMessage.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        libraries = list(Library.objects.values_list("pk", flat=True))
        yield
        for row in Library.objects.exclude(pk__in=libraries):
            fleet.drop_schema(row.schema_name)
            Library.objects.filter(pk=row.pk).delete()
        AuditEntry.objects.filter(pk__gt=entries).delete()
        OutboxMessage.objects.filter(pk__gt=messages).delete()
        connection.close()


@pytest.fixture
def doomed(committed: None) -> LibraryContext:
    """A closed library with files, cache entries, a domain and a name that it gave up."""
    library = provision()
    fill(library)
    Domain.objects.create(
        tenant_id=library.id, domain="books.example.org", token="t", proven_at=NOW, checked_at=NOW
    )
    rename_library(library_id=library.id, subdomain="condemned", by=SYSTEM, now=NOW)
    rename_library(library_id=library.id, subdomain="doomed", by=SYSTEM, now=NOW)
    close_library(library_id=library.id, reason="", by=SYSTEM, now=NOW)
    return library


def fill(library: LibraryContext) -> None:
    with in_library(library):
        default_storage.save("covers/one.jpg", ContentFile(b"one"))
        default_storage.save("imports/deep/two.mrc", ContentFile(b"two"))
        cache.set("facets", {"en": 3}, None)


def cache_keys(library: LibraryContext) -> list[bytes]:
    client = cache.client.get_client()  # type: ignore[attr-defined]
    return list(client.scan_iter(f"{library.schema_name}:*"))


def traces(library: LibraryContext) -> set[str]:
    """What is left of a library anywhere."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [library.schema_name])
        found |= {"schema"} if cursor.fetchone() else set()
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [library.schema_name])
        found |= {"role"} if cursor.fetchone() else set()
        cursor.execute("SELECT 1 FROM fleet_libraryschema WHERE name = %s", [library.schema_name])
        found |= {"registry"} if cursor.fetchone() else set()
    found |= {"files"} if (Path(django_settings.MEDIA_ROOT) / library.schema_name).exists() else set()
    found |= {"cache"} if cache_keys(library) else set()
    found |= {"domains"} if Domain.objects.filter(tenant_id=library.id).exists() else set()
    found |= {"names"} if FormerSubdomain.objects.filter(library_id=library.id).exists() else set()
    return found


ALL = {"schema", "role", "registry", "files", "cache", "domains", "names"}


def assert_gone(library: LibraryContext) -> None:
    assert traces(library) == set()
    row = Library.objects.get(pk=library.id)
    assert (row.status, row.name) == ("deleted", "Doomed Library")
    assert row.deleted_at is not None
    assert find_library_by_subdomain("doomed") is None
    assert subdomain_state("doomed") == subdomain_state("condemned") == "free"
    for host in (
        "doomed.localhost",
        "condemned.localhost",
        "books.example.org",
        f"{row.subdomain}.localhost",
    ):
        assert Client(HTTP_HOST=host).get("/api/v1/titles/").status_code == 404
    actions = AuditEntry.objects.filter(target_id=str(library.id)).values_list("action", flat=True)
    assert list(actions).count("library.deleted") == 1
    assert list(actions).count("library.erasure_begun") == 1


@pytest.mark.slow
def test_nothing_is_left_and_the_neighbour_has_everything(
    doomed: LibraryContext, committed_library: Any
) -> None:
    fill(committed_library)
    with in_library(committed_library):
        neighbour = snapshot(committed_library.schema_name)
    assert traces(doomed) == ALL
    erased = erase_library(library_id=doomed.id, now=LATER)
    assert (erased.status, erased.deleted_at) == ("deleted", LATER)
    assert_gone(doomed)
    with in_library(committed_library):
        assert differences(neighbour, snapshot(committed_library.schema_name)) == {}
    assert traces(committed_library) >= {"schema", "files", "cache"}
    with in_library(committed_library):
        assert default_storage.exists("covers/one.jpg")
        assert cache.get("facets") == {"en": 3}
    # A second time changes nothing.
    before = snapshot("public")
    assert erase_library(library_id=doomed.id, now=LATER).status == "deleted"
    assert differences(before, snapshot("public")) == {}


@pytest.mark.slow
def test_a_new_library_of_the_same_name_is_empty(doomed: LibraryContext) -> None:
    erase_library(library_id=doomed.id, now=LATER)
    again = provision()
    assert again.schema_name != doomed.schema_name
    assert traces(again) == {"schema", "role", "registry"}
    with in_library(again):
        assert cache.get("facets") is None
        assert not default_storage.exists("covers/one.jpg")
    assert Client(HTTP_HOST="doomed.localhost").get("/api/v1/titles/").json()["results"] == []


@pytest.mark.slow
def test_it_is_kept_until_its_day(doomed: LibraryContext) -> None:
    early = LATER - dt.timedelta(seconds=1)
    assert doomed.id not in libraries_to_erase(now=early)
    with pytest.raises(InvalidTransition):
        erase_library(library_id=doomed.id, now=early)
    assert traces(doomed) == ALL
    assert Client(HTTP_HOST="doomed.localhost").get("/api/v1/titles/").status_code == 410
    assert doomed.id in libraries_to_erase(now=LATER)
    assert erase_library(library_id=doomed.id, now=early, at_once=True).status == "deleted"
    assert_gone(doomed)


@pytest.mark.slow
def test_an_open_library_is_never_erased(doomed: LibraryContext) -> None:
    restore_library(library_id=doomed.id, reason="", by=SYSTEM, now=LATER)
    for at_once in (False, True):
        with pytest.raises(InvalidTransition):
            erase_library(library_id=doomed.id, now=LATER + dt.timedelta(days=400), at_once=at_once)
    assert traces(doomed) == ALL
    assert Client(HTTP_HOST="doomed.localhost").get("/api/v1/titles/").status_code == 200


class Cut(Exception):
    """Stands for whatever ends a worker."""


def cut(*_args: Any, **_more: Any) -> Any:
    raise Cut


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "left"),
    [
        ("schema", ALL),
        ("files", ALL - {"schema", "role", "registry"}),
        ("cache", {"cache", "domains", "names"}),
        ("row", {"domains", "names"}),
    ],
)
def test_cut_short_anywhere_the_next_run_goes_on(
    doomed: LibraryContext, monkeypatch: pytest.MonkeyPatch, step: str, left: set[str]
) -> None:
    with monkeypatch.context() as patch:
        if step == "schema":
            patch.setattr(erasure.fleet, "drop_schema", cut)
        if step == "files":
            patch.setattr(type(default_storage._wrapped), "delete_all", cut)  # type: ignore[attr-defined]
        if step == "cache":
            patch.setattr(type(cache.client), "delete_pattern", cut)  # type: ignore[attr-defined]
        if step == "row":
            patch.setattr(erasure, "_finish", cut)
        with pytest.raises(Cut):
            erase_library(library_id=doomed.id, now=LATER)
    assert traces(doomed) == left
    row = Library.objects.get(pk=doomed.id)
    assert (row.status, row.erasing_since) == ("closed", LATER)
    assert Client(HTTP_HOST="doomed.localhost").get("/api/v1/titles/").status_code == 410
    with pytest.raises(InvalidTransition):  # half of it would come back
        restore_library(library_id=doomed.id, reason="", by=SYSTEM, now=LATER)
    assert libraries_to_erase(now=LATER) == [doomed.id]
    erase_library(library_id=doomed.id, now=LATER + dt.timedelta(hours=1))
    assert_gone(doomed)
    assert libraries_to_erase(now=LATER) == []


@pytest.mark.slow
def test_the_task_goes_on_after_a_library_that_cannot_be_erased(
    doomed: LibraryContext, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    other = Library.objects.create(
        schema_name="lib_none_at_all",
        subdomain="another",
        name="Another",
        created_at=NOW,
        status="closed",
        closed_at=NOW - dt.timedelta(days=1),
    )
    drop = fleet.drop_schema

    def stuck(name: str) -> None:
        if name == other.schema_name:
            raise Cut
        drop(name)

    monkeypatch.setattr(erasure.fleet, "drop_schema", stuck)
    monkeypatch.setattr(tasks.clock, "now", lambda: LATER)
    tasks.erase_closed()
    assert_gone(doomed)
    assert Library.objects.get(pk=other.pk).status == "closed"
    monkeypatch.setattr(erasure.fleet, "drop_schema", drop)
    tasks.erase_closed()
    assert Library.objects.get(pk=other.pk).status == "deleted"


@pytest.mark.slow
def test_a_library_that_was_restored_meanwhile_is_left_alone(
    doomed: LibraryContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = libraries_to_erase(now=LATER)
    assert listed == [doomed.id]
    restore_library(library_id=doomed.id, reason="", by=SYSTEM, now=LATER)
    close_library(library_id=doomed.id, reason="", by=SYSTEM, now=LATER)
    monkeypatch.setattr(erasure, "libraries_to_erase", lambda now: listed)
    monkeypatch.setattr(tasks.clock, "now", lambda: LATER)
    tasks.erase_closed()
    assert traces(doomed) == ALL


# -- killed for real --------------------------------------------------------------------------------------------------

_ERASER = """
import datetime, sys, uuid, django
from django.conf import settings
django.setup()
for alias in settings.DATABASES:
    settings.DATABASES[alias]["NAME"] = {database!r}
settings.MEDIA_ROOT, settings.CACHES["default"]["LOCATION"] = {media!r}, {redis!r}
from shared_apps.tenants.services.erasure import erase_library
print("ready", flush=True)
sys.stdin.readline()
erase_library(library_id=uuid.UUID({library!r}), now=datetime.datetime.fromisoformat({now!r}))
print("done", flush=True)
"""


def start(library: LibraryContext) -> subprocess.Popen[str]:
    code = _ERASER.format(
        database=connection.settings_dict["NAME"],
        media=str(django_settings.MEDIA_ROOT),
        redis=django_settings.CACHES["default"]["LOCATION"],
        library=str(library.id),
        now=LATER.isoformat(),
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "saas.settings.test"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.deep
@pytest.mark.slow
@pytest.mark.parametrize("milliseconds", [0, 15, 40, 80, 120, 200, 400])
def test_kill_9_at_any_moment(doomed: LibraryContext, milliseconds: int) -> None:
    with start(doomed) as process:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGKILL)
        process.wait()
    if Library.objects.get(pk=doomed.id).status == "deleted":
        assert traces(doomed) == set(), "deleted is said last"
    else:
        assert libraries_to_erase(now=LATER) == [doomed.id]
    erase_library(library_id=doomed.id, now=LATER)
    assert_gone(doomed)
