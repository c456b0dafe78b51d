"""What a request leaves behind: nothing that stays, and nothing that only the garbage collector could find."""

from __future__ import annotations

import gc
import io
import logging
import logging.config
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from _pytest.logging import LogCaptureHandler
from django.conf import settings as django_settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from saas.settings.logging import logging_for
from tests.conftest import client_for

pytestmark = pytest.mark.django_db
REQUESTS = 200
# Ordinary query sets leave a few; before, one request left 240 blocks to the collector.
MOST_BLOCKS = 16


@pytest.fixture(autouse=True)
def _logs_as_in_production() -> Iterator[None]:
    """Written, and gone."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        config = logging_for("json", "INFO")
        for handler in config["handlers"].values():
            handler["stream"] = nowhere
        logging.config.dictConfig(config)
        access = logging.getLogger("libraryhub.access")
        assert access.isEnabledFor(logging.INFO)
        assert not access.propagate
        yield
        logging_for("readable", "WARNING")
        logging.config.dictConfig(django_settings.LOGGING)


@pytest.fixture
def ask(north: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Send a request as a server does, and return its status; limits count, and connections stay in their transaction."""
    settings.RATE_LIMITS_ENABLED = True
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, (1_000_000, 60))
    settings.RATE_LIMIT_RESOLVER = None
    settings.LIBRARY_HOST_CACHE_SECONDS = 60
    monkeypatch.setattr("saas.core.tenancy.hosts._cache", None)
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    handler = WSGIHandler()
    token = client_for(north, "librarian")._credentials["HTTP_AUTHORIZATION"]

    def send(path: str = "/api/v1/branches/", **headers: str) -> int:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "HTTP_HOST": "north.localhost",
            "HTTP_AUTHORIZATION": token,
            "SERVER_NAME": "x",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "192.0.2.1",
            "wsgi.input": io.BytesIO(),
            "wsgi.url_scheme": "http",
            **headers,
        }
        statuses: list[str] = []
        answer: Any = handler(environ, lambda status, _headers, _error=None: statuses.append(status))
        list(answer)
        answer.close()
        return int(statuses[0][:3])

    yield send
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def blocks_left(send: Callable[[], Any]) -> float:
    """Memory blocks per request that are still there, while the collector rests."""
    for logger in (logging.getLogger(), logging.getLogger("libraryhub.access")):
        # Those of the test runner keep every record.
        logger.handlers = [kept for kept in logger.handlers if not isinstance(kept, LogCaptureHandler)]
    for _ in range(30):
        send()
    gc.collect()
    gc.disable()
    try:
        before = sys.getallocatedblocks()
        for _ in range(REQUESTS):
            send()
        return (sys.getallocatedblocks() - before) / REQUESTS
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("status", "sent"),
    [
        (200, {}),
        (200, {"path": "/api/v1/me/"}),
        (404, {"path": "/api/v1/titles/999999999/"}),
        (404, {"path": "/api/v1/nothing/"}),
        (401, {"HTTP_AUTHORIZATION": ""}),
        (304, {"HTTP_IF_NONE_MATCH": "*"}),
    ],
    ids=str,
)
def test_a_request_leaves_nothing_for_the_collector(
    ask: Callable[..., int], status: int, sent: dict[str, str]
) -> None:
    asked = {"path": "/api/v1/me/", **sent} if status == 401 else sent
    assert ask(**asked) == status
    assert blocks_left(lambda: ask(**asked)) < MOST_BLOCKS


def test_the_measure_sees_a_circle(ask: Callable[..., int]) -> None:
    """A positive control."""

    def tie() -> None:
        circle: list[Any] = [{} for _ in range(MOST_BLOCKS)]
        circle.append(circle)
        ask()

    assert blocks_left(tie) > MOST_BLOCKS
