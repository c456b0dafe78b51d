"""The processes that the demo keeps running, each with its command."""

from __future__ import annotations

import http.client
import os
import sys
from functools import partial

from django.conf import settings

from saas.demo import launch
from saas.demo.supervisor import Child

# Granian warns about the number of threads, which only wait for bodies (saas.core.reception): hence the level.
GRANIAN = ["-m", "granian", "--host", "127.0.0.1", "--workers", "1", "--log-level", "error"]
WEB = ["--interface", "wsgi", "--no-ws", "--blocking-threads", "256", "--http1-buffer-size", "65536"]
SOCKETS = ["--interface", "asgi", "--loop", "asyncio", "--http1-buffer-size", "65536"]


def children(*, port: int, socket_port: int, reload: bool) -> list[Child]:
    """One process each for HTTP, sockets, tasks and the clock; with `reload`, Django's own server watches the code."""
    python = sys.executable
    web = [python, *GRANIAN, *WEB, "--port", str(port), "saas.wsgi:application"]
    if reload:
        web = [python, "manage.py", "runserver", f"127.0.0.1:{port}"]
    sockets = [python, *GRANIAN, *SOCKETS, "--port", str(socket_port), "saas.asgi:application"]
    celery = [python, "-m", "celery", "-A", "saas.celery"]
    worker = [*celery, "worker", "--pool", "threads", "--concurrency", "4"]
    worker += ["-Q", "default,bulk", "--loglevel", "INFO"]
    schedule = settings.DATA_DIR / "demo" / "beat-schedule"
    beat = [*celery, "beat", "--schedule", str(schedule), "--loglevel", "WARNING"]
    # A Postgres or Redis that was killed comes back while the demo runs.
    services = [python, "-m", "saas.embedded", "run", "--data", str(settings.DATA_DIR)]
    return [
        *([Child("services", services)] if os.environ.get(launch.EMBEDDED) else []),
        Child("web", web, ready=partial(answers, port, "/health/ready/")),
        Child("sockets", sockets, ready=partial(answers, socket_port, "/health/live/")),
        Child("worker", worker),
        Child("beat", beat),
    ]


def answers(port: int, path: str) -> bool:
    """Whether a process answers 200 there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path, headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
