"""Log lines name their request, hold no secrets, and cannot be forged by input."""

from __future__ import annotations

import contextvars
import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.conf import settings

from saas.core.logging import (
    AccessFormatter,
    bind_log_context,
    log_context,
    mask_secrets,
    one_line,
    request_id,
    start_log_context,
    write_access_line,
)
from saas.settings.logging import logging_for


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the JSON form writes."""
    stream = io.StringIO()
    config = logging_for("json", "INFO")
    for handler in config["handlers"].values():
        handler["stream"] = stream
    logging.config.dictConfig(config)
    yield stream
    logging_for("readable", "WARNING")
    logging.config.dictConfig(settings.LOGGING)


def read(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_each_line_is_json_with_request_library_and_user(lines: io.StringIO) -> None:
    start_log_context("request-12345678")
    bind_log_context(library="north", user=7)
    structlog.get_logger("tests").info("something.happened", number=3)
    logging.getLogger("django.foreign").warning("from a library: %s", "x")
    ours, foreign = read(lines)
    for line in (ours, foreign):
        assert (line["request_id"], line["library"], line["user"]) == ("request-12345678", "north", 7)
        assert line["timestamp"].endswith("Z")
    assert (ours["event"], ours["number"], ours["level"]) == ("something.happened", 3, "info")
    assert foreign["event"] == "from a library: x"


def test_secrets_never_reach_a_line(lines: io.StringIO) -> None:
    start_log_context()
    structlog.get_logger("tests").info(
        "x", password="hunter2", api_key="k", Authorization="Bearer t", refresh_token="r", otp="1", fine="yes"
    )
    text = lines.getvalue()
    for secret in ("hunter2", "Bearer t"):
        assert secret not in text
    (line,) = read(lines)
    assert line["fine"] == "yes"
    assert line["refresh_token"] == line["otp"] == "***"


def test_input_cannot_forge_a_line_or_colour_a_terminal(lines: io.StringIO) -> None:
    start_log_context()
    structlog.get_logger("tests").info(
        "x", agent='a\r\n{"event": "forged"}\x1b[31m\u2028', long="y" * 100_000
    )
    assert len(lines.getvalue().splitlines()) == 1
    (line,) = read(lines)
    assert line["agent"] == 'a\\x0d\\x0a{"event": "forged"}\\x1b[31m\\x2028'
    assert len(line["long"]) < 2_100


def test_an_exception_is_one_json_line_with_its_traceback(lines: io.StringIO) -> None:
    start_log_context()
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        structlog.get_logger("tests").exception("failed")
    (line,) = read(lines)
    assert "ZeroDivisionError" in line["exception"]


def test_a_new_context_forgets_the_one_before() -> None:
    first = start_log_context()
    bind_log_context(library="north")
    second = start_log_context()
    assert first != second
    assert request_id() == second
    assert "library" not in log_context()


def test_the_processors_leave_other_values_alone() -> None:
    event: Any = {"event": "x", "number": 3, "ok": True}
    assert one_line(None, "", mask_secrets(None, "", dict(event))) == event


# -- the line of a request ------------------------------------------------------------------------------------------------

HOSTILE: dict[str, Any] = {
    "plain": "/api/v1/titles/",
    "controls": 'a\r\n{"event": "forged"}\x1b[31m\u2028\x85\x7f\x00',
    "long": "y" * 5_000,
    "long and foreign": "\u2028" * 5_000,
    "not ASCII": "/b\u00fccher/\u5716\u66f8\u9928/\U0001f4da",
    "half a pair": "/\ud800/",
    "quotes": '"\\\\"',
    "number": 7,
    "none": None,
    "password": "hunter2",
    "session_token": "t",
}


def test_the_line_of_a_request_says_what_structlog_would_say(lines: io.StringIO) -> None:
    """Field by field: the same names, values, escapes, cuts and masks."""
    for name, value in HOSTILE.items():
        start_log_context("request-12345678")
        bind_log_context(library="north", user=7, visit="v")
        fields = {"method": "GET", "path": value, "status": 200, "milliseconds": 1.5, name: value}
        structlog.get_logger("libraryhub.access.slow").info("request", **fields)
        write_access_line(**fields)
        slow, quick = read(lines)[-2:]
        assert slow.pop("timestamp")[:16] == quick.pop("timestamp")[:16]
        assert slow.pop("logger") == quick.pop("logger") + ".slow"
        assert quick == slow, name
    assert len(lines.getvalue().splitlines()) == 2 * len(HOSTILE)


def test_in_the_readable_form_it_goes_the_way_of_all_lines() -> None:
    stream = io.StringIO()
    config = logging_for("readable", "INFO")
    config["handlers"]["stderr"]["stream"] = stream
    logging.config.dictConfig(config)
    try:
        start_log_context("request-12345678")
        write_access_line(method="GET", path="/a\x1b[31m", status=200, milliseconds=1.5)
    finally:
        logging_for("readable", "WARNING")
        logging.config.dictConfig(settings.LOGGING)
    (line,) = stream.getvalue().splitlines()
    for said in (
        "request",
        "method=GET",
        "/a\\x1b[31m",
        "status=200",
        "request_id=request-12345678",
        "[info",
    ):
        assert said in line


def test_below_its_level_nothing_is_written(lines: io.StringIO) -> None:
    logging.getLogger("libraryhub.access").setLevel("WARNING")
    try:
        write_access_line(method="GET", path="/", status=200, milliseconds=1.5)
    finally:
        logging.getLogger("libraryhub.access").setLevel(logging.NOTSET)
    assert not lines.getvalue()


def test_a_value_of_another_type_is_written_all_the_same() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, {"x": object}, None, None)
    assert json.loads(AccessFormatter().format(record)) == {"x": "<class 'object'>"}


def test_a_thread_that_took_the_context_over_keeps_it() -> None:
    start_log_context("request-12345678")
    copied = contextvars.copy_context()
    bind_log_context(user=7)
    assert copied.run(log_context) == {"request_id": "request-12345678"}
    copied.run(lambda: bind_log_context(user=8))
    assert log_context()["user"] == 7
