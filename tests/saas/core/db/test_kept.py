"""A kept connection is looked at without asking the server, replaced when it is broken, and ends in time."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any

import pytest
from django.db import OperationalError, connections
from psycopg.errors import AdminShutdown
from psycopg.pq import ExecStatus

from saas.core.db import kept
from saas.core.tenancy import PUBLIC
from tests import database
from tests.benchmarks.requests.trace import statements_in


class Place:
    """What `set_tenant` takes."""

    def __init__(self, schema_name: str) -> None:
        self.schema_name = schema_name


NORTH, SOUTH, NOWHERE = Place("lib_north"), Place("lib_south"), Place(PUBLIC)


class Session:
    """A connection of its own to this run's database, used as requests use theirs."""

    def __init__(self, **settings: Any) -> None:
        self.wrapper: Any = connections["default"].copy()  # type: ignore[attr-defined]
        self.wrapper.settings_dict |= {"CONN_MAX_AGE": 300, "CONN_HEALTH_CHECKS": True, **settings}

    def request(self, place: Any = NORTH, statements: int = 1) -> str:
        """A request that asks where it is, between Django's two signals; `schema, backend` as the server says."""
        self.wrapper.close_if_unusable_or_obsolete()
        self.wrapper.set_tenant(place)
        try:
            for _ in range(statements):
                with self.wrapper.cursor() as cursor:
                    cursor.execute("SELECT current_schema()")
                    schema = cursor.fetchone()[0]
        finally:
            self.wrapper.set_tenant(NOWHERE)
            self.wrapper.close_if_unusable_or_obsolete()
        return str(schema)

    @property
    def backend(self) -> int:
        return int(self.wrapper.connection.pgconn.backend_pid)

    def traced(self, work: Callable[[], Any]) -> list[str]:
        """The texts of what `work` sends to the server."""
        file: IO[bytes]
        with tempfile.TemporaryFile() as file:
            pgconn = self.wrapper.connection.pgconn
            pgconn.trace(file.fileno())
            work()
            pgconn.untrace()
            file.seek(0)
            texts: list[str] = statements_in(file.read().decode())["texts"]
        return texts


def end(backend: int) -> None:
    """Have the server end a session, and wait until it has."""
    with database.maintenance_connection() as server:
        assert server.execute("SELECT pg_terminate_backend(%s, 5000)", [backend]).fetchone() == (True,)


@pytest.fixture
def session(db: None) -> Iterator[Session]:
    opened = Session()
    yield opened
    opened.wrapper.close()


def test_a_request_sends_its_own_statements_and_nothing_else(session: Session) -> None:
    session.request()
    sent = session.traced(lambda: [session.request(statements=2) for _ in range(3)])
    assert len(sent) == 6
    assert all("current_schema" in text for text in sent)


def test_a_session_that_stood_idle_is_asked_once(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.request()
    backend = session.backend
    monkeypatch.setattr(kept, "IDLE_SECONDS", -1.0)
    sent = session.traced(lambda: session.request(statements=3))
    assert [text for text in sent if "current_schema" not in text] == ['""']
    assert session.backend == backend


def test_a_session_that_the_server_ended_is_replaced_before_the_request(session: Session) -> None:
    session.request(SOUTH)
    ended = session.backend
    end(ended)
    assert session.request(NORTH) == "lib_north"
    assert session.backend != ended


def test_a_notice_that_came_meanwhile_is_no_end(session: Session) -> None:
    session.request()
    backend = session.backend
    # Something to read, as when the server reads its configuration again and tells what has changed.
    session.wrapper.connection.pgconn.send_query(b"SELECT 1")
    while kept.is_quiet(session.wrapper.connection.pgconn):
        pass
    assert session.request(SOUTH) == "lib_south"
    assert session.backend == backend


def test_what_breaks_after_the_look_fails_once_and_is_not_sent_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.request()
    ended = session.backend
    end(ended)
    with monkeypatch.context() as patch:
        patch.setattr(kept, "is_quiet", lambda pgconn: True)
        with pytest.raises(OperationalError) as failure:
            session.request(NORTH)
    assert isinstance(failure.value.__cause__, AdminShutdown)
    assert session.request(SOUTH) == "lib_south"
    assert session.backend != ended


def test_a_broken_session_is_seen_although_nobody_told_django(session: Session) -> None:
    """As after a statement that went past Django's cursors: its `errors_occurred` knows nothing."""
    session.request()
    ended = session.backend
    end(ended)
    assert session.wrapper.connection.pgconn.exec_(b"SELECT 1").status == ExecStatus.FATAL_ERROR
    session.wrapper.errors_occurred = False
    assert session.request() == "lib_north"
    assert session.backend != ended


@pytest.mark.parametrize(("age", "replaced"), [(1000.0, True), (799.0, False)])
def test_a_session_ends_between_80_and_100_percent_of_its_age(
    session: Session, monkeypatch: pytest.MonkeyPatch, age: float, replaced: bool
) -> None:
    session.wrapper.settings_dict["CONN_MAX_AGE"] = 1000
    session.request()
    backend, now = session.backend, kept.time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: now + age)
    assert session.request() == "lib_north"
    assert (session.backend != backend) is replaced


def test_neighbours_do_not_end_together() -> None:
    ends = sorted(kept.spread(number) for number in range(4_000, 4_016))
    gaps = [later - earlier for earlier, later in itertools.pairwise(ends)]
    assert min(gaps) > 1 / 50
    assert all(0 <= each < 1 for each in ends)


def test_a_session_ends_after_some_libraries_but_not_within_a_request(db: None) -> None:
    session = Session(LIBRARIES_PER_CONNECTION=2)
    try:
        seen = []
        for place in (NORTH, SOUTH, NORTH, SOUTH):
            session.request(place)
            seen.append(session.backend)
        assert len(set(seen)) == 1
        # A third one: it is served by the same session, which ends with the request.
        session.request(NOWHERE)
        assert session.wrapper.connection is None
        session.request(NORTH)
        assert session.backend not in seen
    finally:
        session.wrapper.close()
