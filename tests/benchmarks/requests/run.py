"""The benchmark `requests`: one library, one database, processes that serve the same addresses."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg

from saas.embedded import EmbeddedError
from tests.benchmarks.registry import BenchmarkRefused, Options
from tests.benchmarks.requests import servers
from tests.benchmarks.requests.servers import Variant
from tests.benchmarks.requests.sizes import CLIENTS, OURS, size_of, variants
from tests.benchmarks.results import Outcome

if TYPE_CHECKING:
    from tests.benchmarks.requests.data import Desk
    from tests.benchmarks.requests.load import Load
    from tests.benchmarks.requests.measure import Found

DATABASE = "lh_benchmark"
ONE_RUN = 7326002  # advisory lock: two runs at once would measure each other


def run(options: Options) -> Outcome:
    """Make the data, start the variants, check that they agree, and measure. Raises BenchmarkRefused."""
    wanted = variants(options.peers)
    require_packages(wanted)
    set_up()
    from tests.benchmarks.requests import data, measure, profile
    from tests.database import SCHEMAS

    with scratch_database() as postgres, tempfile.TemporaryDirectory() as logs:
        options.say(f"making a library of {size_of(quick=options.quick).titles:,} titles ...")
        desk = make_library(size_of(quick=options.quick).titles)
        environment = {
            "DATABASE_URL": database_url(os.environ["DATABASE_URL"], DATABASE),
            "DATABASE_OWNER_URL": database_url(
                os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"], DATABASE
            ),
            "BENCHMARK_SCHEMA": SCHEMAS[data.LIBRARY],
        }
        options.say("starting " + ", ".join(variant.name for variant in wanted) + " ...")
        with servers.running(wanted, environment, Path(logs)) as running:
            found = measure.measure(running, desk, options)
            profiles = profile.profiles(running, desk, environment, options) if options.profile else {}
    return Outcome(found.rows, postgres, notes(desk.counts, found, quick=options.quick), profiles)


def require_packages(wanted: Sequence[Variant]) -> None:
    """Raise BenchmarkRefused where packages of a peer are not installed; they are no part of the product."""
    missing = {need for variant in wanted for need in variant.needs if find_spec(need) is None}
    if missing:
        raise BenchmarkRefused(
            f"{', '.join(sorted(missing))} not installed. Once `uv sync --group peers`, or each time"
            " `uv run --group peers python -m tests.benchmarks requests`; or without those peers: --peers usual,plain"
        )


def set_up() -> None:
    """Load Django with the settings of ours, which start the embedded servers. Raises BenchmarkRefused."""
    os.environ["DJANGO_SETTINGS_MODULE"] = OURS.settings
    import django

    try:
        django.setup()
    except EmbeddedError as error:
        raise BenchmarkRefused(str(error)) from error
    # The parent's own lines would stand between the progress; the servers keep theirs, which are measured.
    logging.getLogger().setLevel(logging.WARNING)


def make_library(titles: int) -> Desk:
    """The library with its starting rows, its data, and the host name by which stock django-tenants finds it."""
    from saas.core.tenancy import in_library
    from shared_apps.tenants.models import Domain
    from shared_apps.tenants.selectors import find_library_by_subdomain
    from tests.benchmarks.requests import data
    from tests.database import fill

    fill(data.LIBRARY)
    library = find_library_by_subdomain(data.LIBRARY)
    assert library is not None
    Domain.objects.create(domain=library.primary_host, tenant_id=library.id)
    with in_library(library):
        desk = data.build(titles)
    gather_statistics()
    return desk


def gather_statistics() -> None:
    """Do what autovacuum does within minutes, or the planner would know nothing and plan badly for everybody.

    As the owner: PostgreSQL passes over tables that the login of requests may only use.
    """
    from saas.core.db.owner import owner_connection

    with owner_connection() as owner, owner.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def notes(counts: Mapping[str, int], found: Found, *, quick: bool) -> list[str]:
    """What the numbers were measured on, in words."""
    size = ", ".join(f"{count:,} {noun}" for noun, count in counts.items())
    sized = "Sized down by --quick: " if quick else "Full size: "
    return [
        f"{sized}{size}; {found.rounds} rounds or more, in turns; each number is the median of the rounds' medians.",
        "Over HTTP on one kept connection, from sending to the last byte; Granian with one worker each.",
        *([load_note(found.load)] if found.load else []),
    ]


def load_note(load: Mapping[str, Load]) -> str:
    """How the clients at once worked."""
    used = max(one.generator for one in load.values())
    return (
        f"{CLIENTS} clients at once: a process of its own keeps {CLIENTS} connections and sends on each the next request "
        f"when the answer is whole; it used up to {used:.0%} of a core. All their requests, of all rounds, together."
    )


def database_url(url: str, name: str) -> str:
    """The same server, another database."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


@contextmanager
def scratch_database() -> Iterator[str]:
    """A copy of the tests' template for the length of the run; yields the server's version.

    Raises BenchmarkRefused while another run has it, and where the server cannot be reached.
    """
    from django.db import connection

    from saas.settings.cache import redis_database
    from tests import database
    from tests.benchmarks.requests.broker import environment_redis, forget_messages

    try:
        connected = database.maintenance_connection()
    except psycopg.OperationalError as error:
        raise BenchmarkRefused(f"PostgreSQL does not answer: {error}") from error
    with connected as server:
        locked = server.execute("SELECT pg_try_advisory_lock(%s)", [ONE_RUN]).fetchone()
        if not (locked and locked[0]):
            raise BenchmarkRefused("another run is measuring on this server; wait for it to end")
        try:
            database.copy_template(server, DATABASE)
            database.use(DATABASE)
            yield server.execute("SHOW server_version").fetchall()[0][0].split()[0]
        finally:
            connection.close()
            database.drop(server, DATABASE)
            forget_messages(redis_database(environment_redis(), 3))
