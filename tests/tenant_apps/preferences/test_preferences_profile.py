"""What the public site keeps of a library follows its settings, by the outbox."""

from __future__ import annotations

from typing import Any

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library, in_public
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from shared_apps.delivery.services import relay
from shared_apps.tenants.models import Library
from tenant_apps.preferences.services import PROFILE_CHANGED, change


def test_a_new_name_reaches_the_public_row_and_no_other_library(north: Any, south: Any) -> None:
    with in_library(north):
        change(values={"name": "Nuova Biblioteca", "language": "it"}, by=SYSTEM, now=clock.now())
        relay()
    with in_public():
        row = Library.objects.get(pk=north.id)
        assert (row.name, row.language) == ("Nuova Biblioteca", "it")
        assert Library.objects.get(pk=south.id).name == "South Library"
        assert (
            AuditEntry.objects.filter(action="library.profile_changed", target_id=str(north.id)).count() == 1
        )


def test_delivered_twice_it_changes_nothing_more(north: Any) -> None:
    with in_library(north):
        change(values={"name": "Nuova Biblioteca"}, by=SYSTEM, now=clock.now())
        relay()
        OutboxMessage.objects.filter(kind=PROFILE_CHANGED).update(delivered_at=None)
        with in_public():
            version = Library.objects.get(pk=north.id).version
        relay()
    with in_public():
        assert Library.objects.get(pk=north.id).version == version


def test_a_setting_of_the_librarys_own_sends_nothing(in_north: Any) -> None:
    before = OutboxMessage.objects.filter(kind=PROFILE_CHANGED).count()
    change(values={"guests_may_search": False}, by=SYSTEM, now=clock.now())
    assert OutboxMessage.objects.filter(kind=PROFILE_CHANGED).count() == before


def test_origins_that_are_saved_again_reach_a_public_row_that_has_none(north: Any) -> None:
    """A library that has moved here brings the setting along, and not what the old place made of it."""
    origins = ["https://www.north.example"]
    with in_library(north):
        change(values={"allowed_origins": origins}, by=SYSTEM, now=clock.now())
        relay()
    with in_public():
        Library.objects.filter(pk=north.id).update(allowed_origins="")
    with in_library(north):
        change(values={"allowed_origins": origins}, by=SYSTEM, now=clock.now())
        relay()
    with in_public():
        assert Library.objects.get(pk=north.id).allowed_origins == origins[0]
