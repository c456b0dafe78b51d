"""`manage.py demo`: everything up, with two libraries and real records."""

from __future__ import annotations

import http.client
import os
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from saas.demo import accounts, factors, launch
from saas.demo.content import prepare_libraries
from saas.demo.progress import Progress
from saas.demo.supervisor import Child, run


class Command(BaseCommand):
    """Migrates, fills two libraries, then runs web, worker and beat until Ctrl-C."""

    help = (
        "Runs LibraryHub with two libraries, riverside and hillcrest, and prints addresses and accounts. "
        "Needs no server: Postgres and Redis are started from Python packages, unless DATABASE_URL and REDIS_URL "
        "name your own. A second start reuses the data; --fresh throws it away."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--port, --records, --fresh, --reload."""
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

        def announce() -> None:
            self.stdout.write(
                accounts.card(port=port, seconds=time.monotonic() - started, staff_secret=secret)
            )
            self.stdout.flush()

        sys.exit(
            run(
                children(port=port, reload=options["reload"]),
                state_dir=settings.DATA_DIR / "demo",
                on_ready=announce,
            )
        )


def children(*, port: int, reload: bool) -> list[Child]:
    """The processes of the demo; with `reload`, Django's own server watches the code."""
    python = sys.executable
    granian = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    # These threads only wait for bodies (saas.core.reception); granian warns about their number, hence the level.
    granian += ["--workers", "1", "--blocking-threads", "256", "--no-ws", "--log-level", "error"]
    granian += ["--http1-buffer-size", "65536"]
    web = [python, *granian, "saas.wsgi:application"]
    if reload:
        web = [python, "manage.py", "runserver", f"127.0.0.1:{port}"]
    celery = [python, "-m", "celery", "-A", "saas.celery"]
    worker = [
        *celery,
        "worker",
        "--pool",
        "threads",
        "--concurrency",
        "4",
        "-Q",
        "default,bulk",
        "--loglevel",
        "INFO",
    ]
    schedule = settings.DATA_DIR / "demo" / "beat-schedule"
    beat = [*celery, "beat", "--schedule", str(schedule), "--loglevel", "WARNING"]
    # A Postgres or Redis that was killed comes back while the demo runs.
    services = [python, "-m", "saas.embedded", "run", "--data", str(settings.DATA_DIR)]
    return [
        *([Child("services", services)] if os.environ.get(launch.EMBEDDED) else []),
        Child("web", web, ready=lambda: is_ready(port)),
        Child("worker", worker),
        Child("beat", beat),
    ]


def is_ready(port: int) -> bool:
    """Whether the web process answers its readiness check."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/ready/", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
