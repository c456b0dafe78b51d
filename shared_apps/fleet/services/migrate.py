"""A fleet run: every library-shaped schema is brought to one release, however many stand behind, and wherever.

One query finds the laggards; those at the same release whose tables are as they should be are a group and share one
script (collecting, applying, waves). Drifted schemas, and groups whose migrations no script can stand for, take the
ordinary path one by one. A library that fails is named, stays at its release, and stops nobody; the next run does only
what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from saas.core import clock as system_clock
from shared_apps.fleet.services.applying import Outcome, Patience, Result, connect, error_text
from shared_apps.fleet.services.public_schema import migrate_public, public_is_current, public_plan
from shared_apps.fleet.services.registry import Survey, survey
from shared_apps.fleet.services.releases import current_key, current_release

if TYPE_CHECKING:
    from shared_apps.fleet.models import Release
    from shared_apps.fleet.services.applying import Step
    from shared_apps.fleet.services.collecting import Collected
    from shared_apps.fleet.services.groups import Group, GroupReport
    from shared_apps.fleet.services.ordinary import Target
    from shared_apps.fleet.services.rows import Rows
    from shared_apps.fleet.services.waves import Waves

PUBLIC_SCHEMA = "public"
# What is named in the report where the release itself cannot be built.
TEMPLATE = "(the template of new libraries)"


@dataclass(frozen=True, slots=True)
class Orders:
    """What a run is to do.

    `targets` takes apps to the named migrations (None: every app to its newest), `only` names the schemas to look at
    (None: all), `public` and `libraries` say which kind of schema takes part; `parallel` is how many libraries are
    worked on at once, on the quick path.
    """

    targets: tuple[Target, ...] | None = None
    only: tuple[str, ...] | None = None
    public: bool = True
    libraries: bool = True
    canary: bool = True
    parallel: int = 2
    patience: Patience = field(default_factory=Patience)


@dataclass(slots=True)
class FleetReport:
    """How a run ended, by schema names.

    `drifted` are those whose tables were not their release's; `not_tried` those whose group was given up after its
    first libraries failed. `unchanged` counts, beside those that had nothing to do, those that another run did.
    """

    public_migrated: bool = False
    migrated: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed: list[Result] = field(default_factory=list)
    drifted: list[str] = field(default_factory=list)
    not_tried: list[str] = field(default_factory=list)
    groups: list[GroupReport] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """Whether every schema is where it was to be brought."""
        return not self.failed and not self.not_tried


class Watcher(Protocol):
    """Sees how a run gets on."""

    def begin(self, libraries: int) -> None:
        """So many schemas are behind."""

    def say(self, text: str) -> None:
        """What is being done now."""

    def done(self, result: Result) -> None:
        """One schema is done with."""


def migrate_fleet(
    orders: Orders, watcher: Watcher, *, clock: Callable[[], datetime] = system_clock.now
) -> FleetReport:
    """Run the orders. Failures are in the report; raises where the database cannot be reached at all."""
    report = FleetReport()
    seen = _look(orders)
    if orders.public and (seen is None or orders.targets is not None or not public_is_current(seen)):
        watcher.say("migrating the public schema")
        try:
            migrate_public(orders.targets)
        except Exception as error:  # noqa: BLE001  named like a library's; what follows would meet tables that are not there
            report.failed.append(Result(PUBLIC_SCHEMA, Outcome.FAILED, error_text(error)))
            return report
        report.public_migrated = True
        seen = _look(orders)
    if orders.libraries and seen is not None:
        _migrate_libraries(orders, seen, watcher, clock, report)
    return report


def _look(orders: Orders) -> Survey | None:
    with connect() as connection:
        return survey(connection, current_key() if orders.targets is None else "", orders.only)


def _migrate_libraries(
    orders: Orders, seen: Survey, watcher: Watcher, clock: Callable[[], datetime], report: FleetReport
) -> None:
    if seen.laggards:
        watcher.begin(sum(len(schemas) for schemas in seen.laggards.values()))
        from shared_apps.fleet.services.groups import groups_of

        _Run(orders, watcher, clock, report, seen.has_release).run(groups_of(seen))
    elif orders.targets is None and not seen.has_release:
        watcher.say("preparing the release for new libraries")
        try:
            _build_release()
        except _ReleaseFailed as error:
            report.failed.append(Result(TEMPLATE, Outcome.FAILED, str(error)))
    behind = {schema for schemas in seen.laggards.values() for schema in schemas}
    failed = behind.intersection(result.schema for result in report.failed)
    report.unchanged = seen.libraries - len(report.migrated) - len(failed) - len(report.not_tried)


class _ReleaseFailed(Exception):
    """The migrations of the release fail in an empty schema; the message says how."""


def _build_release() -> Release:
    try:
        return current_release()
    except Exception as error:  # whatever a migration's own Python raises
        raise _ReleaseFailed(error_text(error)) from error


class _Run:
    """The libraries' part of one run."""

    def __init__(
        self,
        orders: Orders,
        watcher: Watcher,
        clock: Callable[[], datetime],
        report: FleetReport,
        has_release: bool,
    ) -> None:
        self._orders, self._watcher, self._clock, self._report = orders, watcher, clock, report
        self._has_release = has_release
        self._wanted: Rows | None = None

    def run(self, groups: Sequence[Group]) -> None:
        """Bring the groups to their place; where the release cannot be built, no library is tried any more."""
        try:
            self._run(groups)
        except _ReleaseFailed as error:
            self._take(Result(TEMPLATE, Outcome.FAILED, str(error)))
            done = {*self._report.migrated, *self._report.not_tried}
            done.update(result.schema for result in self._report.failed)
            names = (name for group in groups for name in (*group.regular, *group.drifted))
            self._report.not_tried += [name for name in names if name not in done]

    def _run(self, groups: Sequence[Group]) -> None:
        """Each group's regular schemas by the quick path where there is one, then all the others."""
        from shared_apps.fleet.services.groups import GroupReport
        from shared_apps.fleet.services.waves import Waves

        patience = self._orders.patience
        with Waves(parallel=self._orders.parallel, patience=patience, clock=self._clock) as waves:
            for group in groups:
                collected, reason = self._collected(group)
                told = GroupReport(group.key, len(group.regular), (), reason)
                self._report.groups.append(told)
                self._report.drifted += group.drifted
                if collected is not None:
                    told.migrations = collected.migrations
                    self._watcher.say(f"{len(group.regular)} libraries: {', '.join(collected.migrations)}")
                    canaries = self._canaries(waves, collected.step, group) if self._orders.canary else None
                    self._report.not_tried += waves.run(
                        collected.step, group.regular, self._take, canaries=canaries
                    )
        for group, told in zip(groups, self._report.groups, strict=True):
            if told.ordinary:
                self._migrate_regular_alone(group)
            for schema in group.drifted:
                self._migrate_alone(group, schema)

    def _migrate_regular_alone(self, group: Group) -> None:
        """Library by library; the others are not tried where the first ones are all refused."""
        from shared_apps.fleet.services.waves import CANARIES

        refused = 0
        for number, schema in enumerate(group.regular):
            if self._orders.canary and refused == number == CANARIES:
                self._report.not_tried += group.regular[number:]
                return
            result = self._migrate_alone(group, schema)
            refused += result.outcome is Outcome.FAILED and not result.transient

    def _canaries(self, waves: Waves, step: Step, group: Group) -> int:
        """How many of the libraries are to go one by one: none where a spare has made it."""
        from shared_apps.fleet.services.schemas import drop_unclaimed
        from shared_apps.fleet.services.waves import CANARIES

        if group.spare is None:
            return CANARIES
        result = waves.try_on(step, group.spare)
        if result.outcome is Outcome.MIGRATED:
            drop_unclaimed(group.spare)
            return 0
        if result.outcome is Outcome.FAILED:
            self._report.failed.append(result)
            return CANARIES - 1
        return CANARIES

    def _collected(self, group: Group) -> tuple[Collected | None, str]:
        """The group's script; or None and why it has none, "" where there is nothing to do."""
        from shared_apps.fleet.services.collecting import NotCollectable, collect, continues

        if not group.regular:
            return None, ""
        if group.release is None:
            return None, "nothing is known of its release"
        try:
            if not continues(group.release):
                self._require_release()
            collected = collect(group.release, self._orders.targets, self._clock())
        except NotCollectable as reason:
            return None, str(reason)
        self._has_release = self._has_release or self._orders.targets is None
        return collected, ""

    def _require_release(self) -> None:
        """Build the release that the run leads to by the ordinary path, unless a group has made it on its way."""
        if self._orders.targets is None and not self._has_release:
            self._watcher.say("building the release")
            _build_release()
            self._has_release = True

    def _migrate_alone(self, group: Group, schema: str) -> Result:
        from shared_apps.fleet.services.alone import migrate_alone

        self._watcher.say(f"{schema}: the ordinary path")
        result = migrate_alone(
            schema=schema,
            old=group.key,
            targets=self._orders.targets,
            wanted=self._wanted_rows(),
            patience=self._orders.patience,
            clock=self._clock,
        )
        self._take(result)
        return result

    def _wanted_rows(self) -> Rows | None:
        """The content types and permissions of the release that the run leads to; read once."""
        from shared_apps.fleet.services.collecting import NotCollectable, rows_of

        if self._orders.targets is not None:
            return None
        if self._wanted is None:
            try:
                self._wanted = rows_of(_build_release())
            except NotCollectable:
                return None
        return self._wanted

    def _take(self, result: Result) -> None:
        if result.outcome is Outcome.MIGRATED:
            self._report.migrated.append(result.schema)
        elif result.outcome is Outcome.FAILED:
            self._report.failed.append(result)
        self._watcher.done(result)


def plan_fleet(orders: Orders) -> tuple[tuple[str, ...], list[GroupReport]]:
    """What a run with these orders would do: the public schema's migrations, and the groups of libraries behind.

    Nothing is written. The first is "(everything)" in a database that has no registry yet.
    """
    from shared_apps.fleet.services.groups import groups_of, planned

    seen = _look(orders)
    if seen is None:
        return ("(everything)",) if orders.public else (), []
    public = public_plan(orders.targets) if orders.public else ()
    if not orders.libraries or not seen.laggards:
        return public, []
    told = [planned(group, orders.targets) for group in groups_of(seen)]
    return public, [group for group in told if group.migrations or group.ordinary or group.drifted]
