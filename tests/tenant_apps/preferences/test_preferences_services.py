"""Changing settings: whole, versioned, audited, and in one library."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from saas.core import clock
from saas.core.errors import PreconditionFailed, ValidationFailed
from saas.core.principals import SYSTEM
from saas.core.seeding import LibrarySeed
from saas.core.tenancy import in_library
from shared_apps.audit.models import AuditEntry, AuditPersonalValues
from tenant_apps.preferences import selectors, services
from tenant_apps.preferences.models import LibraryPreferences
from tenant_apps.preferences.registry import REGISTRY


def change(**values: object) -> LibraryPreferences:
    return services.change(values=values, by=SYSTEM, now=clock.now())


@pytest.fixture
def hold_days() -> Iterator[services.Setting]:
    """A setting that an app has added."""
    setting = services.define(
        services.Setting("hold_days", services.Kind.INTEGER, 7, "Days on the shelf.", minimum=1, maximum=60)
    )
    yield setting
    REGISTRY._settings.pop("hold_days")


def test_a_change_is_read_back_and_counted(in_north: Any) -> None:
    before = selectors.current().version
    row = change(guests_may_search=False, currency="CHF")
    assert row.version == before + 1
    assert selectors.value("currency") == "CHF"
    assert selectors.value("guests_may_search") is False
    assert selectors.current().version == before + 1


def test_what_changes_nothing_leaves_version_and_log_alone(in_north: Any) -> None:
    row = change(currency="CHF")
    entries = AuditEntry.objects.count()
    assert change(currency="CHF").version == row.version
    assert change().version == row.version
    assert AuditEntry.objects.count() == entries


def test_values_are_cleaned_before_they_are_stored(in_north: Any) -> None:
    change(name="  North  ")
    assert selectors.value("name") == "North"


def test_one_wrong_value_keeps_all_from_being_stored(in_north: Any) -> None:
    before = selectors.all_values()
    with pytest.raises(ValidationFailed) as refused:
        change(currency="CHF", time_zone="Mars/Olympus", country="XX")
    problems = [(problem.field, problem.code) for problem in refused.value.errors]
    assert problems == [("time_zone", "unknown_time_zone"), ("country", "unknown_country")]
    assert selectors.all_values() == before


def test_an_unknown_key_is_an_error_of_the_caller(in_north: Any) -> None:
    with pytest.raises(KeyError):
        change(colour="blue")
    with pytest.raises(KeyError):
        selectors.value("colour")


def test_a_default_is_not_stored_so_that_a_later_one_counts(in_north: Any, hold_days: Any) -> None:
    assert selectors.value("hold_days") == 7
    change(hold_days=14)
    assert LibraryPreferences.objects.get().values["hold_days"] == 14
    change(hold_days=7)
    assert "hold_days" not in LibraryPreferences.objects.get().values
    assert selectors.value("hold_days") == 7


def test_a_value_of_a_setting_that_is_gone_is_kept_and_not_shown(in_north: Any) -> None:
    LibraryPreferences.objects.update(values={"retired": 1, "name": "North"})
    assert "retired" not in selectors.all_values()
    change(name="Norther")
    assert LibraryPreferences.objects.get().values == {"retired": 1, "name": "Norther"}


def test_a_change_is_audited_and_addresses_stand_apart(in_north: Any) -> None:
    change(currency="CHF", contact_email="desk@north.example")
    entry = AuditEntry.objects.filter(action="settings.changed").latest("id")
    assert entry.changes == {"currency": ["EUR", "CHF"], "contact_email": None}
    assert AuditPersonalValues.objects.get(entry=entry).values == {
        "contact_email": ["", "desk@north.example"]
    }


def test_the_expectation_sees_the_locked_row_and_can_refuse(in_north: Any) -> None:
    seen: list[int] = []

    def expect(row: LibraryPreferences) -> None:
        seen.append(row.version)
        raise PreconditionFailed

    before = selectors.all_values()
    with pytest.raises(PreconditionFailed):
        services.change(values={"currency": "CHF"}, by=SYSTEM, now=clock.now(), expect=expect)
    assert seen == [selectors.current().version]
    assert selectors.all_values() == before


def test_each_library_has_its_own(north: Any, south: Any) -> None:
    with in_library(north):
        change(currency="CHF")
    with in_library(south):
        assert selectors.value("currency") == "EUR"
    with in_library(north):
        assert selectors.value("currency") == "CHF"


def test_reading_is_one_query(in_north: Any, django_assert_num_queries: Any) -> None:
    selectors.value("name")
    for read in (selectors.all_values, selectors.public_values, lambda: selectors.value("name")):
        with django_assert_num_queries(1):
            read()


def test_guests_see_public_values_alone(in_north: Any) -> None:
    shown = selectors.public_values()
    assert shown["name"] == "North Library"
    assert "guests_may_search" not in shown


def test_a_library_without_a_row_has_the_defaults(in_north: Any) -> None:
    LibraryPreferences.objects.all().delete()
    assert selectors.value("guests_may_search") is True
    assert selectors.all_values()["currency"] == "EUR"
    assert change(currency="CHF").version == 2
    assert selectors.value("currency") == "CHF"


def test_a_setting_can_be_read_inside_another_query(in_north: Any, hold_days: Any) -> None:
    from tenant_apps.access.models import Role

    for stored, expected in ((None, 7), (14, 14)):
        if stored is not None:
            change(hold_days=stored)
        found = Role.objects.annotate(days=selectors.stored("hold_days")).values_list("days", flat=True)[0]
        assert found == stored
        assert selectors.or_default("hold_days", found) == expected


def test_there_is_one_row(in_north: Any) -> None:
    assert LibraryPreferences.objects.count() == 1
    for pk in (1, 2):
        with pytest.raises(IntegrityError), transaction.atomic():
            LibraryPreferences(id=pk).save(force_insert=True)


def test_two_changes_at_once_are_both_kept(committed_library: Any) -> None:
    values: list[dict[str, object]] = [{"currency": "CHF"}, {"country": "CH"}, {"name": "East"}]
    start = threading.Barrier(len(values))

    def send(sent: dict[str, object]) -> None:
        try:
            with in_library(committed_library):
                start.wait()
                change(**sent)
        finally:
            connection.close()

    with in_library(committed_library):
        before = selectors.current().version
    threads = [threading.Thread(target=send, args=(sent,)) for sent in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with in_library(committed_library):
        found = selectors.all_values()
        assert (found["currency"], found["country"], found["name"]) == ("CHF", "CH", "East")
        assert selectors.current().version == before + 3


# -- new libraries --------------------------------------------------------------------------------------------


def seed_for(library: Any, **changes: Any) -> LibrarySeed:
    values: dict[str, Any] = {
        "library": library,
        "admin_email": "a@b.example",
        "admin_name": "A",
        "admin_password_hash": "!",
        "language": "it",
        "country": "ch",
        "time_zone": "Europe/Zurich",
        "now": clock.now(),
    }
    return LibrarySeed(**{**values, **changes})


def test_a_new_library_begins_with_what_sign_up_knows(in_north: Any) -> None:
    LibraryPreferences.objects.all().delete()
    services.seed_library(seed_for(in_north))
    found = selectors.all_values()
    assert {key: found[key] for key in ("name", "language", "time_zone", "country", "currency")} == {
        "name": "North Library",
        "language": "it",
        "time_zone": "Europe/Zurich",
        "country": "CH",
        "currency": "CHF",
    }


def test_an_unknown_zone_or_country_does_not_stop_a_library_from_opening(in_north: Any) -> None:
    LibraryPreferences.objects.all().delete()
    services.seed_library(seed_for(in_north, country="XX", time_zone="Mars/Olympus"))
    found = selectors.all_values()
    assert (found["country"], found["time_zone"], found["currency"]) == ("", "UTC", "EUR")
