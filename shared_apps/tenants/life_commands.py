"""`manage.py library status` and `rename`: where a library is in its life, and by which name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from saas.core import clock
from saas.core.api.renderers import dump
from saas.core.principals import SYSTEM
from shared_apps.tenants import addresses, subdomains
from shared_apps.tenants.models import Library
from shared_apps.tenants.services import lifecycle
from shared_apps.tenants.services.renaming import rename_library
from shared_apps.tenants.subcommands import Subcommand, library_named

CHANGES: Mapping[str, Callable[..., Library]] = MappingProxyType(
    {
        "activate": lifecycle.activate_library,
        "restrict": lifecycle.restrict_library,
        "suspend": lifecycle.suspend_library,
        "resume": lifecycle.resume_library,
        "close": lifecycle.close_library,
        "restore": lifecycle.restore_library,
    }
)


def _status_arguments(parser: CommandParser) -> None:
    parser.add_argument("subdomain", help="the library's subdomain, such as riverside")
    parser.add_argument("change", nargs="?", choices=[*CHANGES], help="what to do; left out: only look")
    parser.add_argument("--reason", default="", help="why, for the audit log")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def _status(command: BaseCommand, options: dict[str, Any]) -> None:
    library = library_named(options["subdomain"])
    status = library.status
    if options["change"]:
        change = CHANGES[options["change"]]
        status = change(library_id=library.id, reason=options["reason"], by=SYSTEM, now=clock.now()).status
    if options["json"]:
        shown = {"id": str(library.id), "subdomain": library.subdomain, "status": status}
        command.stdout.write(dump(shown).decode())
    else:
        command.stdout.write(f"{library.subdomain} is {status}.")


def _rename_arguments(parser: CommandParser) -> None:
    parser.add_argument("subdomain", help="the subdomain that the library has")
    parser.add_argument("new", help="the one that it gets")


def _rename(command: BaseCommand, options: dict[str, Any]) -> None:
    library = library_named(options["subdomain"])
    renamed = rename_library(library_id=library.id, subdomain=options["new"], by=SYSTEM, now=clock.now())
    label = renamed.subdomain
    shown = subdomains.display(label)
    note = f" ({shown})" if shown != label else ""
    command.stdout.write(f"{library.subdomain} is {label}{note} now: {addresses.library_url(label)}")


SUBCOMMANDS = (
    Subcommand(
        "status", "Show a library's status, or change it: suspend, resume...", _status_arguments, _status
    ),
    Subcommand(
        "rename",
        "Give a library another subdomain. The old one leads to it for 30 days, and nobody else may have it meanwhile.",
        _rename_arguments,
        _rename,
    ),
)
