"""Another subdomain for a library: what it may be, where the old one leads, who may have it and when."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from saas.core.errors import DomainError
from saas.core.principals import SYSTEM
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from shared_apps.tenants import tasks
from shared_apps.tenants.errors import SubdomainNotAllowed, SubdomainTaken
from shared_apps.tenants.models import FormerSubdomain, Library
from shared_apps.tenants.selectors import find_library_by_subdomain, subdomain_state
from shared_apps.tenants.services import provisioning, renaming
from tests.snapshots import differences, snapshot

NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)
pytestmark = pytest.mark.django_db


def rename(library: Any, subdomain: str, now: dt.datetime = NOW) -> Library:
    return renaming.rename_library(library_id=library.id, subdomain=subdomain, by=SYSTEM, now=now)


def test_the_library_has_the_new_name(north: Any) -> None:
    renamed = rename(north, " Nordlys ")
    assert (renamed.subdomain, renamed.schema_name) == ("nordlys", north.schema_name)
    found = find_library_by_subdomain("nordlys")
    assert found is not None
    assert found.id == north.id
    assert find_library_by_subdomain("north") is None
    held = FormerSubdomain.objects.get()
    assert (held.subdomain, held.library_id, held.held_until) == (
        "north",
        north.id,
        NOW + dt.timedelta(days=30),
    )
    entry = AuditEntry.objects.get(action="library.renamed")
    assert entry.changes == {"from": "north", "to": "nordlys"}
    assert OutboxMessage.objects.get().payload["action"] == "library.renamed"


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("no", "too_short"),
        ("", "too_short"),
        ("n" * 41, "too_long"),
        ("n" * 5000, "too_long"),
        ("north library", "bad_characters"),
        ("north_library", "bad_characters"),
        ("-north", "bad_characters"),
        ("12345", "bad_characters"),
        ("north'; DROP SCHEMA public; --", "bad_characters"),
        ("north\x00", "bad_characters"),
        ("n\u043erdlys", "mixed_script"),  # one letter is Cyrillic
        ("\u0430\u0440\u0435", "mixed_script"),  # all Cyrillic, and reads like Latin
        ("select", "reserved"),
        ("drop", "reserved"),
        ("template1", "reserved"),
        ("pg-catalog", "reserved"),
        ("public", "reserved"),
        ("admin", "reserved"),
        ("ns1", "reserved"),
    ],
)
def test_a_name_that_breaks_a_rule(north: Any, wanted: str, reason: str) -> None:
    before = snapshot("public")
    with pytest.raises(SubdomainNotAllowed) as refusal:
        rename(north, wanted)
    assert refusal.value.status == 400
    assert refusal.value.extension_members == {"reason": reason}
    assert str(refusal.value.detail)
    assert differences(before, snapshot("public")) == {}


@pytest.mark.parametrize("wanted", ["south", "SOUTH", "söuth"])
def test_a_name_that_is_another_librarys_or_reads_like_it(north: Any, south: Any, wanted: str) -> None:
    before = snapshot("public")
    with pytest.raises(SubdomainTaken):
        rename(north, wanted)
    assert differences(before, snapshot("public")) == {}


def test_the_name_that_it_has_changes_nothing(north: Any) -> None:
    before = snapshot("public")
    assert rename(north, "NORTH").subdomain == "north"
    assert differences(before, snapshot("public")) == {}


def test_a_name_that_reads_like_its_own(north: Any) -> None:
    assert rename(north, "nörth").subdomain == "xn--nrth-5qa"


@pytest.mark.parametrize("status", ["closed", "deleted"])
def test_a_closed_library_keeps_its_name(north: Any, status: str) -> None:
    Library.objects.filter(pk=north.id).update(status=status)
    with pytest.raises(DomainError) as refusal:
        rename(north, "nordlys")
    assert refusal.value.code == "invalid_transition"
    assert Library.objects.get(pk=north.id).subdomain == "north"


# -- the name that was given up -----------------------------------------------------------------------------------------


def test_the_old_address_leads_to_the_new_one(north: Any, api: Callable[..., Any]) -> None:
    client = api(north, "librarian")
    rename(north, "nordlys")
    answer = client.get("/api/v1/titles/?page_size=1&q=//evil.example")
    assert answer.status_code in {302, 307}
    assert answer["Location"] == "http://nordlys.localhost/api/v1/titles/?page_size=1&q=//evil.example"
    assert "no-store" in answer["Cache-Control"]
    # With method and body; the token is as good there as it was here.
    answer = client.post("/api/v1/titles/", {"title": "Sent to the old address"}, format="json")
    assert (answer.status_code, answer["Location"]) == (307, "http://nordlys.localhost/api/v1/titles/")
    client.defaults["HTTP_HOST"] = "nordlys.localhost"
    assert client.post("/api/v1/titles/", {"title": "Sent on"}, format="json").status_code == 201


@pytest.mark.parametrize(
    ("host", "path", "address"),
    [
        ("north.localhost:8443", "/", "http://nordlys.localhost:8443/"),
        ("NORTH.localhost.", "/titles/1/", "http://nordlys.localhost/titles/1/"),
        ("north.localhost", "//evil.example/x", "http://nordlys.localhost//evil.example/x"),
    ],
)
def test_the_address_is_ours_whatever_is_asked(north: Any, host: str, path: str, address: str) -> None:
    rename(north, "nordlys")
    answer = Client(HTTP_HOST=host).get("/", PATH_INFO=path)
    assert (answer.status_code, answer["Location"]) == (307, address)


def test_a_name_that_leads_on_shows_nothing_of_the_library(north: Any) -> None:
    rename(north, "nordlys")
    answer = Client(HTTP_HOST="north.localhost").get("/")
    assert (answer.status_code, answer.content) == (307, b"")


def test_nobody_else_may_have_it_meanwhile(north: Any, south: Any) -> None:
    rename(north, "nordlys")
    assert subdomain_state("north") == "taken"
    assert subdomain_state("xn--nrth-5qa") == "taken"  # reads like it
    with pytest.raises(SubdomainTaken):
        rename(south, "north")
    Library.objects.filter(pk=south.id).update(subdomain="north")
    with pytest.raises(SubdomainTaken):
        renaming.require_not_held("north", library_id=south.id)
    renaming.require_not_held("north", library_id=north.id)


def test_a_new_library_does_not_get_it(north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign-up that began before the name was given up looks again when its link is used."""
    monkeypatch.setattr(provisioning, "take_schema", lambda: "lib_of_nobody")
    monkeypatch.setattr(provisioning, "seed_library", lambda seed: None)
    values = {
        "name": "New",
        "plan": "free",
        "country": "IT",
        "language": "en",
        "time_zone": "UTC",
        "admin_email": "a@b.example",
        "admin_name": "A",
        "admin_password_hash": "!",
        "now": NOW,
    }
    rename(north, "nordlys")
    with pytest.raises(SubdomainTaken):
        provisioning.provision_library(subdomain="north", **values)
    assert not Library.objects.filter(subdomain="north").exists()
    assert provisioning.provision_library(subdomain="another", **values).subdomain == "another"


def test_the_library_itself_may_have_it_back(north: Any) -> None:
    rename(north, "nordlys")
    assert rename(north, "north").subdomain == "north"
    assert list(FormerSubdomain.objects.values_list("subdomain", flat=True)) == ["nordlys"]
    assert Client(HTTP_HOST="nordlys.localhost").get("/")["Location"] == "http://north.localhost/"
    assert Client(HTTP_HOST="north.localhost").get("/").status_code == 200


def test_it_is_let_go_after_its_time(north: Any, south: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rename(north, "nordlys")
    for days, held in ((29, True), (30, False)):
        monkeypatch.setattr(tasks.clock, "now", lambda days=days: NOW + dt.timedelta(days=days))
        tasks.forget_former_subdomains()
        assert FormerSubdomain.objects.exists() is held
    assert Client(HTTP_HOST="north.localhost").get("/").status_code == 404
    assert subdomain_state("north") == "free"
    assert rename(south, "north").subdomain == "north"


def test_two_libraries_of_a_name_cannot_be(north: Any, south: Any) -> None:
    """The unique index decides where the look-up was overtaken."""

    def overtake(label: str, *, besides: uuid.UUID | None = None) -> str:
        Library.objects.filter(pk=south.id).update(subdomain="nordlys")
        return "free"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(renaming, "subdomain_state", overtake)
        with pytest.raises(SubdomainTaken):
            rename(north, "nordlys")
    assert Library.objects.get(pk=north.id).subdomain == "north"
    assert not FormerSubdomain.objects.exists()
