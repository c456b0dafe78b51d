"""Slow clients wait at the door: nobody else notices, and no half of a body is taken for the whole."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import UnreadablePostError

from saas.core.reception import RECEIVED_BYTES, Reception

WAIT = 10


def environ(body: Any = b"", *, length: Any = None, **values: Any) -> dict[str, Any]:
    stream = io.BytesIO(body) if isinstance(body, bytes) else body
    announced = len(body) if isinstance(body, bytes) else 0
    return {"wsgi.input": stream, "CONTENT_LENGTH": str(announced if length is None else length), **values}


def echo(environ: dict[str, Any], start: Callable[..., object]) -> Iterator[bytes]:
    body = environ["wsgi.input"].read()
    start("201 Created", [("X-Thread", threading.current_thread().name)])
    yield b"got "
    yield body


class Answers(list[Any]):
    """Collects what an application starts with; call it with an environ for status, headers and body."""

    def __init__(self, application: Any) -> None:
        super().__init__()
        self.application = application

    def __call__(self, environ: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
        started: list[Any] = []
        parts = self.application(environ, lambda status, headers: started.append((status, dict(headers))))
        ((status, headers),) = started
        return status, headers, b"".join(parts)


class Slow(io.BytesIO):
    """A body whose client sends nothing until it is told to."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.asked, self.go_on = threading.Event(), threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        self.asked.set()
        assert self.go_on.wait(WAIT)
        return super().read(size)


class InParts(io.BytesIO):
    """A body that comes three bytes at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(3, size) if size and size > 0 else 3)


@pytest.mark.parametrize("body", [b"", b"x", b"x" * RECEIVED_BYTES])
def test_the_application_gets_the_body_and_its_answer_goes_out(body: bytes) -> None:
    status, headers, answer = Answers(Reception(echo))(environ(body))
    assert (status, answer) == ("201 Created", b"got " + body)
    assert headers["X-Thread"].startswith("work")


def test_a_body_in_parts_is_put_together() -> None:
    assert Answers(Reception(echo))(environ(InParts(b"0123456789"), length=10))[2] == b"got 0123456789"


def test_a_large_body_is_left_to_threads_of_its_own() -> None:
    body = b"x" * (RECEIVED_BYTES + 1)
    _status, headers, answer = Answers(Reception(echo))(environ(body))
    assert headers["X-Thread"].startswith("upload")
    assert answer == b"got " + body


@pytest.mark.parametrize("length", [RECEIVED_BYTES, RECEIVED_BYTES + 1])
def test_slow_clients_hold_up_nobody_else(length: int) -> None:
    reception = Reception(echo, workers=1, upload_workers=1)
    slow = [Slow(b"x" * length) for _ in range(3)]
    waiting = [
        threading.Thread(target=Answers(reception), args=[environ(body, length=length)]) for body in slow
    ]
    for thread in waiting:
        thread.start()
    try:
        assert slow[0].asked.wait(WAIT)
        assert Answers(reception)(environ(b"quick"))[2] == b"got quick"
        assert Answers(reception)(environ())[2] == b"got "
    finally:
        for body in slow:
            body.go_on.set()
        for thread in waiting:
            thread.join(WAIT)
    assert not any(thread.is_alive() for thread in waiting)


def test_no_more_requests_work_at_once_than_there_are_workers() -> None:
    together, most, lock = 0, 0, threading.Lock()
    full = threading.Barrier(3, timeout=WAIT)

    def work(_environ: dict[str, Any], start: Callable[..., object]) -> list[bytes]:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        full.wait()
        with lock:
            together -= 1
        start("200 OK", [])
        return []

    reception = Reception(work, workers=3)
    threads = [threading.Thread(target=Answers(reception), args=[environ()]) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert most == 3


@pytest.mark.parametrize("read", [lambda request: request.body, lambda request: request.readline()])
def test_a_body_that_was_cut_short_is_no_body(read: Callable[[Any], bytes]) -> None:
    def application(environ: dict[str, Any], start: Callable[..., object]) -> list[bytes]:
        start("200 OK", [])
        return [read(WSGIRequest({"REQUEST_METHOD": "POST", **environ}))]

    whole = b'{"title": "Emma"}'
    assert Answers(Reception(application))(environ(whole))[2] == whole
    with pytest.raises(UnreadablePostError):
        Answers(Reception(application))(environ(whole, length=len(whole) + 1))


def test_the_answer_is_closed_by_the_thread_that_made_it_even_when_it_breaks() -> None:
    closed: list[str] = []

    class Parts:
        def __init__(self, *, breaks: bool) -> None:
            self.breaks = breaks

        def __iter__(self) -> Iterator[bytes]:
            yield b"a"
            if self.breaks:
                raise ValueError("broken")

        def close(self) -> None:
            closed.append(threading.current_thread().name)

    def application(environ: dict[str, Any], start: Callable[..., object]) -> Parts:
        start("200 OK", [])
        return Parts(breaks=environ["breaks"])

    assert Answers(Reception(application))(environ(breaks=False))[2] == b"a"
    with pytest.raises(ValueError, match="broken"):
        Answers(Reception(application))(environ(breaks=True))
    assert [name.startswith("work") for name in closed] == [True, True]


@pytest.mark.parametrize("length", ["", "x", "-1", "\u0661", None, " 5"])
def test_what_is_no_number_announces_nothing(length: Any) -> None:
    unread = Slow(b"abc")  # reading it would fail after a while
    sent = environ() | {"wsgi.input": unread, "CONTENT_LENGTH": length}

    def application(_environ: dict[str, Any], start: Callable[..., object]) -> list[bytes]:
        start("204 No Content", [])
        return []

    assert Answers(Reception(application))(sent) == ("204 No Content", {}, b"")
    assert not unread.asked.is_set()
