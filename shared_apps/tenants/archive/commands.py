"""`manage.py library` subcommands about archives."""

from shared_apps.tenants.subcommands import Subcommand

SUBCOMMANDS: tuple[Subcommand, ...] = ()
