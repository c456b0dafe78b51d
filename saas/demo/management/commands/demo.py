"""`manage.py demo`: everything up, with two libraries and real records."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from saas.demo import accounts, factors, launch
from saas.demo.content import prepare_libraries
from saas.demo.processes import children
from saas.demo.progress import Progress
from saas.demo.supervisor import run


class Command(BaseCommand):
    """Migrates, fills two libraries, then runs web, sockets, worker and beat until Ctrl-C."""

    help = (
        "Runs LibraryHub with two libraries, riverside and hillcrest, and prints addresses and accounts. "
        "Needs no server: Postgres and Redis are started from Python packages, unless DATABASE_URL and REDIS_URL "
        "name your own. A second start reuses the data; --fresh throws it away."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--port, --socket-port, --records, --fresh, --reload."""
        launch.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare, then supervise; the exit code is the supervisor's."""
        started = time.monotonic()
        try:
            with Progress() as progress:
                prepare_libraries(records=options["records"], progress=progress)
            secret = factors.staff_secret()
        except KeyboardInterrupt:
            self.stderr.write("libraryhub: stopped; the next start goes on from here.")
            sys.exit(130)
        port: int = options["port"]
        socket_port = launch.chosen_socket_port()

        def announce() -> None:
            seconds = time.monotonic() - started
            card = accounts.card(port=port, socket_port=socket_port, seconds=seconds, staff_secret=secret)
            self.stdout.write(card)
            self.stdout.flush()

        sys.exit(
            run(
                children(port=port, socket_port=socket_port, reload=options["reload"]),
                state_dir=settings.DATA_DIR / "demo",
                on_ready=announce,
            )
        )
