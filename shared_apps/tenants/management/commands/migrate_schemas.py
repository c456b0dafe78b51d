"""`manage.py migrate_schemas`: the public schema and every library to the newest migrations, quickly and resumably.

A run that finds nothing to do is the start of the interpreter and one query; so what only other runs need is imported
where it is used.
"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.migrations.autodetector import MigrationAutodetector

from shared_apps.fleet.services.applying import Patience
from shared_apps.fleet.services.migrate import FleetReport, Orders, migrate_fleet, plan_fleet
from shared_apps.fleet.services.releases import library_migrations
from shared_apps.tenants.command_failures import told_in_one_sentence

Target = tuple[str, str | None]
PUBLIC = "public"
_SHOWN = 20


class Command(BaseCommand):
    """Exit code 0 when every schema is where it was to be brought, 1 when one is not; run it again for what is left."""

    help = (
        "Bring the public schema and every library to the newest migrations, or an app to a named one (backwards "
        "too). Libraries at the same release share one script; each takes it in a transaction of its own. A library "
        "that fails is named and keeps its version, the others go on; run the command again and it does only what is "
        "left. Example: manage.py migrate_schemas --parallel 4"
    )
    requires_system_checks: Any = ()
    # Django wants the one of makemigrations here.
    autodetector = MigrationAutodetector

    def add_arguments(self, parser: CommandParser) -> None:
        """[APP [MIGRATION]] and how to go about it."""
        add = parser.add_argument
        add("app_label", nargs="?", help="migrate this app alone (and what it needs)")
        add("migration_name", nargs="?", help="to this migration, forwards or backwards; zero takes back all")
        add("--plan", action="store_true", help="say what would be done, and do nothing")
        add("--check", action="store_true", dest="check_unapplied", help="exit 1 if anything is to be done")
        add("--json", action="store_true", help="print {migrated, unchanged, failed: [{library, error}]}")
        add("--shared", action="store_true", help="the public schema alone")
        add("--tenant", action="store_true", help="the libraries alone")
        add("-s", "--schema", dest="schema_name", help="the library with this schema alone (or: public)")
        add("--subdomain", help="the library with this subdomain alone")
        add("--parallel", type=int, default=2, metavar="N", help="libraries worked on at once (default 2)")
        add(
            "--no-canary",
            action="store_false",
            dest="canary",
            help="do not try a few libraries before the others",
        )
        add(
            "--retries",
            type=int,
            default=5,
            metavar="N",
            help="tries more where a lock is not granted (default 5)",
        )
        add(
            "--lock-timeout",
            type=float,
            default=Patience().lock_timeout,
            metavar="SECONDS",
            help="how long to wait for a lock, while readers queue behind (default 0.8)",
        )
        add(
            "--noinput",
            "--no-input",
            action="store_false",
            dest="interactive",
            help="accepted; nothing is asked",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it and print the report. Raises CommandError where a schema was not brought to its place."""
        with told_in_one_sentence():
            self._run(options)

    def _run(self, options: dict[str, Any]) -> None:
        orders = _orders(options)
        if options["plan"] or options["check_unapplied"]:
            self._show_plan(orders, options)
            return
        from shared_apps.tenants.fleet_progress import watching

        quiet = options["json"] or options["verbosity"] == 0
        with watching(self.stderr, quiet=quiet) as watcher:
            report = migrate_fleet(orders, watcher)
        self._print(report, options)
        if not report.succeeded:
            left = len(report.failed) + len(report.not_tried)
            raise CommandError(f"{left} not migrated; mend what is named, then run it again.")

    def _print(self, report: FleetReport, options: dict[str, Any]) -> None:
        schemas = {*report.drifted, *report.not_tried, *(result.schema for result in report.failed)}
        names: dict[str, str] = {}
        if schemas:
            from shared_apps.tenants.fleet_names import names_of

            names = names_of(schemas)
        if options["json"]:
            self._print_json(report, names)
        elif options["verbosity"] > 0:
            self._print_text(report, names)

    def _print_json(self, report: FleetReport, names: dict[str, str]) -> None:
        self.stdout.write(
            json.dumps(
                {
                    "migrated": len(report.migrated),
                    "unchanged": report.unchanged,
                    "failed": [
                        {"library": names[result.schema], "error": result.error} for result in report.failed
                    ],
                    "not_tried": [names[schema] for schema in report.not_tried],
                    "drifted": [names[schema] for schema in report.drifted],
                    "public": "migrated" if report.public_migrated else "unchanged",
                    "groups": [
                        {
                            "release": group.release,
                            "libraries": group.libraries,
                            "migrations": list(group.migrations),
                            "ordinary": group.ordinary,
                        }
                        for group in report.groups
                    ],
                }
            )
        )

    def _print_text(self, report: FleetReport, names: dict[str, str]) -> None:
        public = "migrated" if report.public_migrated else "unchanged"
        counts = f"{len(report.migrated)} migrated, {report.unchanged} unchanged, {len(report.failed)} failed"
        self.stdout.write(f"Public schema {public}. Libraries: {counts}.")
        for result in report.failed:
            self.stdout.write(f"  {names[result.schema]}: {result.error}")
        for schemas, why in (
            (report.drifted, "had other tables than their release, so they went the ordinary path"),
            (report.not_tried, "were not tried, because the first ones of their group failed"),
        ):
            if schemas:
                shown = ", ".join(names[schema] for schema in schemas[:_SHOWN])
                more = f" and {len(schemas) - _SHOWN} more" if len(schemas) > _SHOWN else ""
                self.stdout.write(f"  {len(schemas)} {why}: {shown}{more}.")

    def _show_plan(self, orders: Orders, options: dict[str, Any]) -> None:
        public, groups = plan_fleet(orders)
        if options["plan"] and options["json"]:
            told = [
                {
                    "release": group.release,
                    "libraries": group.libraries + len(group.drifted),
                    "migrations": list(group.migrations),
                    "ordinary": group.ordinary,
                    "drifted": len(group.drifted),
                }
                for group in groups
            ]
            self.stdout.write(json.dumps({"public": list(public), "groups": told}))
        elif options["plan"]:
            self.stdout.write(f"Public schema: {', '.join(public) or 'nothing to do'}.")
            for group in groups:
                how = f"one by one ({group.ordinary})" if group.ordinary else "by one script"
                drifted = f", {len(group.drifted)} drifted ones by themselves" if group.drifted else ""
                what = ", ".join(group.migrations) or "to the newest migrations"
                self.stdout.write(f"{group.libraries} libraries {how}{drifted}: {what}.")
            if not groups:
                self.stdout.write("Libraries: nothing to do.")
        if options["check_unapplied"] and (public or groups):
            raise CommandError("There are migrations to apply.")


def _orders(options: dict[str, Any]) -> Orders:
    """What the options ask for. Raises CommandError for what makes no sense."""
    if options["shared"] and options["tenant"]:
        options["shared"] = options["tenant"] = False  # both of two halves
    # Below a millisecond PostgreSQL would read 0, which is no limit at all.
    if options["parallel"] < 1 or options["retries"] < 0 or not 0.001 <= options["lock_timeout"] <= 600:
        raise CommandError(
            "--parallel must be at least 1, --retries at least 0, --lock-timeout from 0.001 to 600."
        )
    schema = _schema(options["schema_name"], options["subdomain"])
    if schema is not None and schema != PUBLIC:
        if options["shared"]:
            raise CommandError("--shared is the public schema alone: it goes with no library.")
        _require_registered(schema)
    targets = _targets(options["app_label"], options["migration_name"])
    libraries = not options["shared"] and schema != PUBLIC
    if targets is not None:
        libraries = libraries and any(name.startswith(f"{targets[0][0]}.") for name in library_migrations())
    return Orders(
        targets=targets,
        only=None if schema in (None, PUBLIC) else (str(schema),),
        public=not options["tenant"] and schema in (None, PUBLIC),
        libraries=libraries,
        canary=options["canary"],
        parallel=options["parallel"],
        patience=Patience(lock_timeout=options["lock_timeout"], retries=options["retries"]),
    )


def _schema(schema: str | None, subdomain: str | None) -> str | None:
    if schema is None and subdomain is None:
        return None
    from shared_apps.tenants.fleet_names import schema_named

    return schema_named(schema=schema, subdomain=subdomain)


def _require_registered(schema: str) -> None:
    from saas.core.tenancy import in_public
    from shared_apps.fleet.selectors import all_schemas

    with in_public():
        if not all_schemas().filter(pk=schema).exists():
            raise CommandError(f'There is no library with the schema "{schema}".')


def _targets(label: str | None, name: str | None) -> tuple[Target, ...] | None:
    """The migrations that the arguments name. Raises CommandError where there are none such."""
    if label is None:
        return None
    from django.db.migrations.exceptions import AmbiguityError
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(None)
    if label not in loader.migrated_apps:
        raise CommandError(f'There is no app "{label}" with migrations.')
    if name is None:
        return tuple(key for key in loader.graph.leaf_nodes() if key[0] == label)
    if name == "zero":
        return ((label, None),)
    try:
        return ((label, loader.get_migration_by_prefix(label, name).name),)
    except AmbiguityError as error:
        raise CommandError(f'More than one migration of "{label}" begins with "{name}".') from error
    except KeyError as error:
        raise CommandError(f'No migration of "{label}" begins with "{name}".') from error
