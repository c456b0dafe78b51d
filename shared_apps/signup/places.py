"""Countries and their time zones, from the tables of the IANA time zone database (package tzdata).

Countries are the codes of ISO 3166-1 alpha-2 with their English names, as iso3166.tab gives them.
"""

from __future__ import annotations

import functools
import zoneinfo
from importlib.resources import files


@functools.cache
def countries() -> dict[str, str]:
    """Return English names by country code, ordered by name."""
    pairs = [(fields[0], fields[1]) for fields in _table("iso3166.tab")]
    return dict(sorted(pairs, key=lambda pair: pair[1]))


@functools.cache
def zones_by_country() -> dict[str, tuple[str, ...]]:
    """Return the zones of each country, the most populous first."""
    zones: dict[str, tuple[str, ...]] = {}
    for country, _coordinates, zone, *_comment in _table("zone.tab"):
        zones[country] = (*zones.get(country, ()), zone)
    return zones


@functools.cache
def time_zones() -> tuple[str, ...]:
    """Return the zones that a form offers, by name: each belongs to a country, and UTC."""
    return ("UTC", *sorted({zone for zones in zones_by_country().values() for zone in zones}))


@functools.cache
def known_time_zones() -> frozenset[str]:
    """Return every zone name that is accepted, older spellings included."""
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


def usual_time_zone(country: str) -> str:
    """Return the zone of most people in a country, "UTC" for none or an unknown one."""
    return zones_by_country().get(country, ("UTC",))[0]


def _table(name: str) -> list[list[str]]:
    text = files("tzdata.zoneinfo").joinpath(name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
