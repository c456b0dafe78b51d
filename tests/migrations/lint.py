"""`python -m tests.migrations.lint`: no model without its migration, and no migration that breaks a running release.

`sqlmigrate`, and with it the linter, asks the router which tables belong to the current schema: in the public one a
library's app has none, and every migration of it looks harmless. So the linter runs twice, the second time in a
library's schema. Exit code 1 for a problem, and for a run that saw no statement of an app that it should have seen.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from tests import database

LIBRARY_SCHEMA = database.SCHEMAS["north"]
OURS = ("shared_apps.", "tenant_apps.", "billing")
# What a person has looked at and found harmless, by migration: which checks, and why they do not hold.
REVIEWED = {
    # The new index refuses less than the old one did: it has the same columns and two more.
    "0003_scopes_and_machines": ("ADD_UNIQUE",),
}


def labels(names: list[str]) -> list[str]:
    """Labels of our own apps among these, those that have migrations."""
    from django.apps import apps
    from django.db.migrations.loader import MigrationLoader

    migrated = MigrationLoader(None, ignore_no_migrations=True).migrated_apps
    ours = {
        config.label
        for config in apps.get_app_configs()
        if config.name in names and config.name.startswith(OURS)
    }
    return sorted(ours & migrated)


def lint(app_labels: list[str]) -> tuple[bool, str]:
    """Lint all migrations of these apps in the current schema: whether they are sound, and what the linter said.

    First migrations make tables that nobody reads yet: they may do as they like. Warnings count as errors. Not sound either when there was no SQL at all to look at: then this is the wrong schema.
    """
    said = io.StringIO()
    linter = _linter(app_labels, ignore_name=REVIEWED)
    linters = [linter]
    for name, codes in REVIEWED.items():
        linters.append(_linter(app_labels, include_name=[name], exclude_migration_tests=codes))
    with redirect_stdout(said):
        for each in linters:
            each.lint_all_migrations()
            each.print_summary()
    unseen = [label for label in app_labels if not _has_sql(linter, label)]
    if unseen:
        said.write(f"No statement of {', '.join(unseen)} in this schema: nothing was checked.\n")
    return not any(each.has_errors for each in linters) and not unseen, said.getvalue()


def _linter(app_labels: list[str], **more: Any) -> Any:
    from django_migration_linter import MigrationLinter

    return MigrationLinter(
        include_apps=app_labels,
        ignore_initial_migrations=True,
        all_warnings_as_errors=True,
        analyser_string="postgresql",
        quiet=("ignore",),
        no_cache=True,
        **more,
    )


def _has_sql(linter: Any, label: str) -> bool:
    names = [name for app, name in linter.migration_loader.disk_migrations if app == label]
    return any(_statements(linter.get_sql(label, name)) for name in names)


def _statements(lines: list[str]) -> list[str]:
    return [
        line for line in lines if line and not line.startswith("--") and line not in ("BEGIN;", "COMMIT;")
    ]


def missing_migrations() -> str:
    """What `makemigrations --check` says; "" where every model has its migration."""
    from django.core.management import call_command

    said = io.StringIO()
    try:
        call_command("makemigrations", check=True, dry_run=True, interactive=False, stdout=said)
    except SystemExit:
        return said.getvalue() or "models and migrations differ"
    return ""


@contextmanager
def scratch_database() -> Iterator[None]:
    """A copy of the tests' template, with both kinds of schema, for the time of the block."""
    from django.conf import settings

    name, before = f"lh_lint_{os.getpid()}", settings.DATABASES["default"]["NAME"]
    with database.maintenance_connection() as server:
        database.copy_template(server, name)
        database.use(name)
        try:
            yield
        finally:
            database.use(before)
            database.drop(server, name)


def main() -> int:
    """Check models and migrations; 0 where all is well."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings.test")
    import django

    django.setup()
    logging.getLogger("django_migration_linter").setLevel(logging.WARNING)
    from saas.core.tenancy import in_library
    from saas.settings.apps import SHARED_APPS, TENANT_APPS
    from tests.migrations.schemas import context_for

    with scratch_database():
        missing = missing_migrations()
        good, said = lint(labels(SHARED_APPS))
        with in_library(context_for(LIBRARY_SCHEMA)):
            good_there, said_there = lint(labels(TENANT_APPS))
    sys.stdout.write(f"{missing}== public schema\n{said}== a library's schema\n{said_there}")
    return 0 if good and good_there and not missing else 1


if __name__ == "__main__":
    sys.exit(main())
