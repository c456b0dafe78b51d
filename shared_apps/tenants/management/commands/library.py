"""`manage.py library SUBCOMMAND`: one library's life, from a shell."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from saas.core.errors import DomainError
from shared_apps.tenants import life_commands
from shared_apps.tenants.archive import commands as archive_commands
from shared_apps.tenants.command_failures import told_in_one_sentence

SUBCOMMANDS = {each.name: each for each in (*life_commands.SUBCOMMANDS, *archive_commands.SUBCOMMANDS)}


class Command(BaseCommand):
    """Exit code 0 when it was done; 1, with the reason, when it was refused or failed."""

    help = "One library: its status, its name, its archive. Example: manage.py library status riverside"

    def add_arguments(self, parser: CommandParser) -> None:
        """One parser for each subcommand."""
        choices = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
        for each in SUBCOMMANDS.values():
            each.add_arguments(choices.add_parser(each.name, help=each.help, description=each.help))

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the subcommand."""
        try:
            with told_in_one_sentence():
                SUBCOMMANDS[options["subcommand"]].run(self, options)
        except DomainError as refusal:
            raise CommandError(str(refusal.detail or refusal.title)) from refusal
