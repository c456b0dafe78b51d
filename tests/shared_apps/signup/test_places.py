"""Countries and time zones."""

from __future__ import annotations

import zoneinfo

from shared_apps.signup import places


def test_countries_are_iso_codes_with_names() -> None:
    countries = places.countries()
    assert len(countries) > 240
    assert countries["IT"] == "Italy"
    assert all(len(code) == 2 and code.isupper() for code in countries)
    assert list(countries.values()) == sorted(countries.values())


def test_the_usual_zone_of_a_country() -> None:
    assert places.usual_time_zone("IT") == "Europe/Rome"
    assert places.usual_time_zone("US") == "America/New_York"
    assert places.usual_time_zone("") == "UTC"
    assert places.usual_time_zone("XX") == "UTC"


def test_every_zone_on_offer_exists() -> None:
    for zone in places.time_zones():
        assert zone in places.known_time_zones()
        zoneinfo.ZoneInfo(zone)


def test_older_spellings_are_known_and_files_that_are_no_zones_are_not() -> None:
    known = places.known_time_zones()
    assert "Asia/Calcutta" in known
    assert not {"localtime", "Factory", "zone.tab", ""} & known
