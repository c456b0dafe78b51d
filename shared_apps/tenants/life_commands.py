"""`manage.py library status`: where a library is in its life."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from saas.core.api.renderers import dump
from shared_apps.tenants.subcommands import Subcommand, library_named


def _status_arguments(parser: CommandParser) -> None:
    parser.add_argument("subdomain", help="the library's subdomain, such as riverside")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def _status(command: BaseCommand, options: dict[str, Any]) -> None:
    library = library_named(options["subdomain"])
    if options["json"]:
        command.stdout.write(
            dump({"id": str(library.id), "subdomain": library.subdomain, "status": library.status}).decode()
        )
    else:
        command.stdout.write(f"{library.subdomain} is {library.status}.")


SUBCOMMANDS = (Subcommand("status", "Show a library's status.", _status_arguments, _status),)
