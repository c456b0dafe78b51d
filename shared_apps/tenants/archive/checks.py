"""Whether an archive can become a library here: its release, its name, its plan. Reads and never writes."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.migrations.loader import MigrationLoader

from saas.core.tenancy import in_public
from shared_apps.entitlements.selectors import plan_codes
from shared_apps.fleet.services.releases import key_of, library_migrations
from shared_apps.tenants import domain_names, rules, subdomains
from shared_apps.tenants.archive.errors import ArchiveRefused
from shared_apps.tenants.archive.manifest import LibraryRow, Manifest
from shared_apps.tenants.models import Library
from shared_apps.tenants.selectors import subdomain_state

_SHOWN = 10
_WHY_NOT = {
    "too_short": f"it has fewer than {subdomains.MIN_LENGTH} characters",
    "too_long": f"it has more than {subdomains.MAX_LENGTH} characters",
    "bad_characters": "a name has letters, digits and single hyphens inside, and at least one letter",
    "reserved": "the platform keeps that name, or one that reads like it, for itself",
    "mixed_script": "it mixes scripts, or reads like a name in another one",
}


@dataclass(frozen=True, slots=True)
class Way:
    """From the archive's release to ours: the migrations ("app.name") that it has, and those that it lacks."""

    has: frozenset[str]
    lacks: tuple[str, ...]


def check_release(manifest: Manifest) -> Way:
    """The way from the archive's release. Raises ArchiveRefused for a later one, or one that never was."""
    has, known = frozenset(".".join(each) for each in manifest.migrations), frozenset(library_migrations())
    if unknown := sorted(has - known):
        message = (
            f"The archive is of a later release of LibraryHub ({manifest.product}): this one does not know the "
            f"migrations {_some(unknown)}. Update this installation first."
        )
        raise ArchiveRefused("newer_release", message)
    if key_of(has) != manifest.release:
        raise ArchiveRefused("tampered", "The archive's release does not fit its migrations.")
    if has != known:
        _check_is_whole(has)
    return Way(has, tuple(sorted(known - has)))


def _check_is_whole(has: frozenset[str]) -> None:
    """A release is closed: what a migration of it depends on is in it too."""
    graph = MigrationLoader(None).graph
    labels = {each.split(".")[0] for each in library_migrations()}
    for key in graph.nodes:
        if ".".join(key) not in has:
            continue
        needed = {".".join(parent.key) for parent in graph.node_map[key].parents if parent.key[0] in labels}
        if missing := sorted(needed - has):
            message = f"The archive has the migration {'.'.join(key)}, and not {_some(missing)} before it."
            raise ArchiveRefused("inconsistent_release", message)


def check_subdomain(wanted: str) -> str:
    """The name as it is stored. Raises ArchiveRefused for one that breaks a rule, or is somebody's."""
    try:
        subdomain = subdomains.normalise(wanted)
    except subdomains.SubdomainRefused as refusal:
        reason = _WHY_NOT.get(refusal.reason, refusal.reason)
        raise ArchiveRefused("bad_subdomain", f'"{wanted}" cannot be a subdomain: {reason}.') from refusal
    state = subdomain_state(subdomain)
    if state != "free":
        owner = "another library" if state == "taken" else "a library that has closed"
        raise ArchiveRefused(
            "subdomain_taken", f'The subdomain "{wanted}" belongs to {owner}. Choose another one.'
        )
    return subdomain


def check_library(row: LibraryRow, *, now: datetime) -> None:
    """Raises ArchiveRefused for a plan, status or time zone that there is not, or a library that is past its end."""
    if row.plan not in plan_codes():
        message = f'The archive has the plan "{row.plan}"; here are {", ".join(plan_codes())}. Name one with --plan.'
        raise ArchiveRefused("unknown_plan", message)
    statuses = rules.STANDINGS.union(rules.HOLDS)
    if row.standing not in rules.STANDINGS or row.status not in statuses:
        raise ArchiveRefused("tampered", f'A library cannot be "{row.status}" as the archive has it.')
    if row.time_zone not in zoneinfo.available_timezones():
        raise ArchiveRefused("tampered", f'The time zone "{row.time_zone}" is unknown here.')
    kept = timedelta(days=settings.CLOSED_LIBRARY_DAYS)
    if row.closed_at is not None and row.closed_at + kept <= now:
        message = "The library was closed so long ago that it would be erased at once. Use --reopen."
        raise ArchiveRefused("past_its_end", message)


def check_host(host: str) -> str:
    """A domain of the library's own as it is stored. Raises ArchiveRefused for what cannot be one."""
    try:
        return domain_names.normalise(host)
    except domain_names.DomainRefused as refusal:
        message = f'"{host}" cannot be a domain of a library\'s own ({refusal.reason}).'
        raise ArchiveRefused("bad_host", message) from refusal


def can_be_host(host: str) -> bool:
    """Whether a stored domain could be a library's own here too."""
    try:
        return domain_names.normalise(host) == host
    except domain_names.DomainRefused:
        return False


def id_is_free(row: LibraryRow) -> bool:
    """Whether no library here has, or ever had, the archive's id."""
    with in_public():
        return not Library.objects.filter(pk=row.id).exists()


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
