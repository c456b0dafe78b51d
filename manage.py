#!/usr/bin/env python
"""Command line of LibraryHub. Without DATABASE_URL and REDIS_URL, the embedded servers are started first."""

import os
import sys

# Commands that need no database; everything else gets the embedded servers where the environment names no others.
_WITHOUT_DATABASE = {
    "help",
    "--help",
    "-h",
    "--version",
    "version",
    "makemessages",
    "compilemessages",
    "demo",
}


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings.local")
    wants_servers = len(sys.argv) > 1 and sys.argv[1] not in _WITHOUT_DATABASE and "--help" not in sys.argv
    if wants_servers and os.environ["DJANGO_SETTINGS_MODULE"] != "saas.settings.production":
        from saas.demo.servers import start_where_needed

        start_where_needed()
    if sys.argv[1:2] == ["demo"] and not {"-h", "--help"} & set(sys.argv):
        from saas.demo.launch import prepare

        prepare(sys.argv[2:])
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
