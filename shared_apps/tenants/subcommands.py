"""What `manage.py library` is made of: modules of this app list their subcommands, the command runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from saas.core.tenancy import LibraryContext
from shared_apps.tenants.selectors import find_library_by_subdomain


@dataclass(frozen=True, slots=True)
class Subcommand:
    """`manage.py library NAME`: `run` writes to the command's stdout and stderr.

    A DomainError that `run` raises is shown as its detail, with exit code 1; CommandError is for what has no code.
    """

    name: str
    help: str
    add_arguments: Callable[[CommandParser], None]
    run: Callable[[BaseCommand, dict[str, Any]], None]


def library_named(subdomain: str) -> LibraryContext:
    """The library with this subdomain, whatever its status. Raises CommandError where there is none."""
    library = find_library_by_subdomain(subdomain)
    if library is None:
        raise CommandError(f'There is no library with the subdomain "{subdomain}".')
    return library
