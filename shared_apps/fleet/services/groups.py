"""The laggards of a fleet run, sorted: which share a script, and which go by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.migrations.executor import MigrationExecutor

from saas.core.db.owner import OWNER, owner_connection
from saas.core.schemas import shapes
from shared_apps.fleet.models import Release
from shared_apps.fleet.services.collecting import Plan, describe, refusal
from shared_apps.fleet.services.ordinary import Target
from shared_apps.fleet.services.registry import Survey
from shared_apps.fleet.services.releases import library_migrations


@dataclass(slots=True)
class Group:
    """The laggards of one release: `release` is None where nothing is known of it.

    `regular` are those whose tables are the release's, `drifted` the others; `spare` is a spare to try a script on.
    """

    key: str
    release: Release | None
    regular: list[str]
    drifted: list[str]
    spare: str | None


@dataclass(slots=True)
class GroupReport:
    """What was done for the schemas of one release; `ordinary` says why they went one by one, "" where they did not."""

    release: str
    libraries: int
    migrations: tuple[str, ...] = ()
    ordinary: str = ""
    drifted: tuple[str, ...] = ()


def groups_of(seen: Survey) -> list[Group]:
    """The laggards by release, the newest first; the shapes of all of them come by one query."""
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        names = [name for names in seen.laggards.values() for name in names]
        found = shapes(cursor, [*names, *seen.spares.values()])
        releases = Release.objects.using(OWNER).in_bulk(list(seen.laggards))
    groups = []
    for key, names in seen.laggards.items():
        release = releases.get(key)
        regular = [name for name in names if release is None or found.get(name) == release.shape]
        is_regular = set(regular)
        drifted = [name for name in names if name not in is_regular]
        spare = seen.spares.get(key)
        is_sound = spare is not None and release is not None and found.get(spare) == release.shape
        groups.append(Group(key, release, regular, drifted, spare if is_sound else None))
    return sorted(groups, key=_age)


def _age(group: Group) -> float:
    return -group.release.created_at.timestamp() if group.release is not None else 0.0


def planned(group: Group, targets: Sequence[Target] | None) -> GroupReport:
    """What would be done for a group, without a scratch schema: nothing is written."""
    told = GroupReport(group.key, len(group.regular), drifted=tuple(group.drifted))
    if group.release is None:
        told.ordinary = "nothing is known of its release"
        return told
    plan = _plan(group.release, targets)
    told.migrations = tuple(describe(migration, backwards) for migration, backwards in plan)
    told.ordinary = (refusal(plan) or "") if group.release.script else "its release has no script"
    return told


def _plan(release: Release, targets: Sequence[Target] | None) -> Plan:
    with owner_connection() as wrapper:
        executor = MigrationExecutor(wrapper)
    graph = executor.loader.graph
    labels = {name.split(".")[0] for name in (*release.migrations, *library_migrations())}
    # The public apps have no tables in a library's schema: what they have there is of no account.
    executor.loader.applied_migrations = {
        key: graph.nodes[key]
        for key in graph.nodes
        if key[0] not in labels or f"{key[0]}.{key[1]}" in set(release.migrations)
    }
    plan: Plan = executor.migration_plan(graph.leaf_nodes() if targets is None else list(targets))
    return plan
