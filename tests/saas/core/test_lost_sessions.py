"""The database ends sessions under a running web process: nobody notices between requests, one is told within."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from saas.core.db.owner import owner_connection
from saas.core.reception import WORKERS
from saas.demo.processes import WEB
from tests import database, granian_process
from tests.conftest import client_for
from tests.granian_process import Granian

pytestmark = pytest.mark.slow
HOSTS = ("east.localhost", "west.localhost")


@pytest.fixture(scope="module")
def tokens(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, str]]:
    from shared_apps.tenants.selectors import find_library_by_subdomain

    with django_db_blocker.unblock():
        yield {
            host: client_for(find_library_by_subdomain(host.partition(".")[0]), "reader")._credentials[
                "HTTP_AUTHORIZATION"
            ]
            for host in HOSTS
        }


@pytest.fixture
def server(tokens: dict[str, str], tmp_path: Any) -> Iterator[Granian]:
    options = [option for option in WEB if option not in ("--interface", "wsgi")]
    with granian_process.granian("wsgi", "saas.wsgi:application", *options, log=tmp_path / "log") as running:
        yield running


def me(server: Granian, host: str, token: str) -> tuple[int, dict[str, str], Any]:
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        client.request("GET", "/api/v1/me/", headers={"Host": host, "Authorization": token})
        answer = client.getresponse()
        return answer.status, dict(answer.getheaders()), json.loads(answer.read())
    finally:
        client.close()


def end_sessions(condition: str = "true") -> int:
    """End the sessions of the served process, as a restart of the server does; how many there were."""
    own = [one.connection.info.backend_pid for one in connections.all() if one.connection is not None]
    name = connections["default"].settings_dict["NAME"]
    with database.maintenance_connection() as asking:
        ended = asking.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            f" WHERE datname = %s AND pid <> ALL(%s) AND {condition}",
            [name, own],
        ).fetchall()
    return len(ended)


def together(server: Granian, tokens: dict[str, str], number: int) -> list[tuple[str, int, str]]:
    """So many requests at once, of both libraries: host, status, and who the answer says that one is."""
    found: list[tuple[str, int, str]] = []

    def ask(host: str) -> None:
        status, _, body = me(server, host, tokens[host])
        found.append((host, status, json.dumps(body)))

    threads = [threading.Thread(target=ask, args=[HOSTS[at % 2]]) for at in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def test_a_restart_of_the_database_between_requests_is_noticed_by_nobody(
    server: Granian, tokens: dict[str, str]
) -> None:
    assert {status for _, status, _ in together(server, tokens, 16)} == {200}
    for _ in range(3):
        assert end_sessions() > 0
        answers = together(server, tokens, 16)
        assert len(answers) == 16
        for host, status, body in answers:
            assert status == 200, body
            assert f"reader@{host.partition('.')[0]}.example" in body, "another library's reader"


def test_a_request_whose_session_ends_meanwhile_is_told_to_come_again(
    server: Granian, tokens: dict[str, str]
) -> None:
    east = HOSTS[0]
    told: list[tuple[int, dict[str, str], Any]] = []
    with owner_connection() as owner, owner.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE lib_east.accounts_user IN ACCESS EXCLUSIVE MODE")
        threads = [
            threading.Thread(target=lambda: told.append(me(server, east, tokens[east])))
            for _ in range(WORKERS)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            end_sessions("wait_event_type = 'Lock'")
            time.sleep(0.05)
        cursor.execute("ROLLBACK")
    assert len(told) == WORKERS
    for status, headers, body in told:
        assert (status, body["code"]) == (503, "service_unavailable")
        assert int(headers["retry-after"]) > 0
        assert headers["content-type"] == "application/problem+json"
    assert {status for _, status, _ in together(server, tokens, 16)} == {200}
