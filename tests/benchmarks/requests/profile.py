"""Where the time of a request goes: each case in one process, without HTTP, with timers around the seams.

A profiler that sees every call would make Python look slower against the database than it is. Here some dozens of
functions are wrapped (`seams`), and each is charged with the time in it that no other one of them has.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from time import perf_counter
from typing import TYPE_CHECKING, Any

import orjson

from tests.benchmarks.registry import BenchmarkRefused, Options
from tests.benchmarks.requests.choices import LOAD
from tests.benchmarks.requests.servers import PROJECT, Server
from tests.benchmarks.results import ALL, Profile

if TYPE_CHECKING:
    from tests.benchmarks.requests.data import Desk

WARM_UP, REPETITIONS, QUICK_REPETITIONS = 10, 60, 30
_PATIENCE_SECONDS = 300.0


def profiles(
    servers: Mapping[str, Server], desk: Desk, environment: Mapping[str, str], options: Options
) -> dict[str, Profile]:
    """The profile of every Django variant, by its name. Raises BenchmarkRefused."""
    found = {}
    for name, server in servers.items():
        if server.variant.asynchronous:
            continue
        options.say(f"profiling: {name} ...")
        found[name] = profile_of(server, desk, environment, options)
    return found


def profile_of(server: Server, desk: Desk, environment: Mapping[str, str], options: Options) -> Profile:
    """Ask a process of the variant's for it. Raises BenchmarkRefused."""
    from tests.benchmarks.requests.cases import cases

    count = QUICK_REPETITIONS if options.quick else REPETITIONS
    wanted = [
        [
            [call.row, call.method, call.path, (call.body or b"").decode(), call.status]
            for call in case.calls(number)
        ]
        for case in cases(desk)
        if options.only is None or case.key in {*options.only} - {LOAD}
        for number in range(WARM_UP + count)
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.requests.profile"],
        input=orjson.dumps(
            {"headers": server.headers, "calls": [call for calls in wanted for call in calls]}
        ),
        cwd=PROJECT,
        env={**os.environ, **environment, **server.variant.environment},
        capture_output=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise BenchmarkRefused(
            f"profiling {server.variant.name}: {done.stderr.decode(errors='replace')[-1500:]}"
        )
    times: dict[str, list[dict[str, float]]] = orjson.loads(done.stdout)
    return {row: typical(requests[WARM_UP:]) for row, requests in times.items()}


def typical(requests: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Microseconds by part: means of the faster half of the requests, so that the parts sum up to the whole."""
    faster = sorted(requests, key=lambda one: one[ALL])[: max(1, len(requests) // 2)]
    parts = dict.fromkeys(part for one in faster for part in one)
    return {part: round(statistics.fmean(one.get(part, 0.0) for one in faster), 1) for part in parts}


# -- the process --------------------------------------------------------------------------------------------------------


def main() -> None:
    """Answer the requests of standard input; on standard output the parts of each, in microseconds, by row."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Lines of the log are written as in production, and go where nobody reads them.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    errors = os.dup(sys.stderr.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    try:
        asked = orjson.loads(sys.stdin.buffer.read())
        answers.write(orjson.dumps(run(asked["headers"], asked["calls"])))
        answers.close()
    except BaseException:
        os.dup2(errors, sys.stderr.fileno())
        raise


def run(headers: Mapping[str, str], calls: Sequence[Sequence[Any]]) -> dict[str, list[dict[str, float]]]:
    """The parts of every request, by its row. Raises RuntimeError for another status than expected."""
    from tests.benchmarks.requests import application, seams

    timers = seams.Timers()
    found: dict[str, list[dict[str, float]]] = {}
    for number, (row, method, path, body, status) in enumerate(calls):
        if number == 1:  # the first request has loaded the addresses, and with them all views
            seams.install(timers)
        timers.parts.clear()
        started = perf_counter()
        got = answer(application.application, environ_of(headers, method, path, body.encode()))
        whole = (perf_counter() - started) * 1e6
        if got != status:
            raise RuntimeError(f"{row}: {got} and not {status}")
        parts = {name: seconds * 1e6 for name, seconds in timers.parts.items()}
        rest = whole - sum(parts.values())
        found.setdefault(row, []).append({**parts, seams.OUTSIDE: rest, ALL: whole})
    return found


def answer(application: Callable[..., Any], environ: dict[str, Any]) -> int:
    """Call a WSGI application as a server does; the status."""
    started: list[str] = []
    parts = application(environ, lambda status, _headers, _failed=None: started.append(status))
    try:
        b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    return int(started[-1].split()[0])


def environ_of(headers: Mapping[str, str], method: str, path: str, body: bytes) -> dict[str, Any]:
    """The request as WSGI describes it."""
    name, _, query = path.partition("?")
    named = {f"HTTP_{key.upper().replace('-', '_')}": value for key, value in headers.items()}
    return {
        **named,
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": name,
        "QUERY_STRING": query,
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


if __name__ == "__main__":
    main()
