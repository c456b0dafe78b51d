"""`manage.py repair_rights [SUBDOMAIN]`: what Django and guardian know of roles, made what the assignments say."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from saas.core.tenancy import in_library
from shared_apps.tenants.selectors import find_library_by_subdomain, open_libraries
from tenant_apps.access.services import repair_projection


class Command(BaseCommand):
    """Exit code 0 when every library named was looked at. Requests do not depend on what is mended here."""

    help = (
        "Make the groups of roles, what they may do and who is in them what the role assignments of a library say, in "
        "one library or in all that are open. Can be run at any time and again; needed once after the release that "
        "brings groups, and after one that gives a standard role something new. "
        "Example: manage.py repair_rights riverside"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """[SUBDOMAIN]."""
        parser.add_argument(
            "subdomain", nargs="?", help="the library's subdomain; left out: all open libraries"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Repair one library after the other, each in a transaction of its own."""
        libraries = open_libraries()
        if options["subdomain"] is not None:
            found = find_library_by_subdomain(options["subdomain"])
            if found is None:
                raise CommandError(f'There is no library with the subdomain "{options["subdomain"]}".')
            libraries = iter([found])
        count = 0
        for library in libraries:
            with in_library(library):
                repair_projection()
            count += 1
            if options["verbosity"] > 1:
                self.stdout.write(library.subdomain)
        self.stdout.write(f"{count} {'library' if count == 1 else 'libraries'} looked at.")
