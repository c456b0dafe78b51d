"""Log lines name their request, hold no secrets, and cannot be forged by input."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.conf import settings

from saas.core.logging import bind_log_context, mask_secrets, one_line, request_id, start_log_context
from saas.settings.logging import logging_for


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the JSON form writes."""
    stream = io.StringIO()
    config = logging_for("json", "INFO")
    config["handlers"]["stderr"]["stream"] = stream
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
    assert "library" not in structlog.contextvars.get_contextvars()


def test_the_processors_leave_other_values_alone() -> None:
    event: Any = {"event": "x", "number": 3, "ok": True}
    assert one_line(None, "", mask_secrets(None, "", dict(event))) == event
