"""JSON from outside: what is valid comes through unchanged, everything else is one kind of error."""

import os
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from saas.core.json import MAX_DEPTH, MAX_KEYS, MAX_VALUES, MalformedJSONError, clean_json, parse_json

DATA = Path(os.environ.get("LIBRARYHUB_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
SUITE = sorted((DATA / "badinput" / "jsontestsuite" / "test_parsing").glob("*.json"))
# Valid by RFC 8259 and refused here on purpose: two readers may see two different values.
REFUSED_THOUGH_VALID = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}
# Valid escapes that PostgreSQL's jsonb cannot hold.
REFUSED_FOR_STORAGE = {"y_string_null_escape.json", "y_object_escaped_null_in_key.json"}


def refused(body: bytes) -> MalformedJSONError:
    with pytest.raises(MalformedJSONError) as caught:
        parse_json(body)
    return caught.value


@pytest.mark.skipif(not SUITE, reason="the test data folder is missing (LIBRARYHUB_TEST_DATA)")
def test_the_suite_is_complete() -> None:
    assert len(SUITE) == 318
    assert {file.name for file in SUITE} >= REFUSED_THOUGH_VALID | REFUSED_FOR_STORAGE


@pytest.mark.parametrize("file", SUITE, ids=lambda file: file.stem)
def test_the_parsing_suite(file: Path) -> None:
    name, body = file.name, file.read_bytes()
    must_fail = name.startswith("n_") or name in REFUSED_THOUGH_VALID | REFUSED_FOR_STORAGE
    if must_fail:
        refused(body)
    elif name.startswith("y_"):
        clean_json(parse_json(body))
    else:
        try:
            clean_json(parse_json(body))
        except MalformedJSONError as error:
            assert error.reason  # noqa: PT017 (either answer is allowed, another exception is not)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, 2.5, "x", null, true]}', {"a": [1, 2.5, "x", None, True]}),
        (b" -9223372036854775808 ", -(2**63)),
        (b"9223372036854775807", 2**63 - 1),
        ('"è 𝄞 \\ud834\\udd1e"'.encode(), "è 𝄞 𝄞"),
        (b'{"a": {"x": 1}, "b": {"x": 1}}', {"a": {"x": 1}, "b": {"x": 1}}),
        (b'"[[[[ {{{{ \\" [[["', '[[[[ {{{{ " [[['),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        (b"[" + b",".join([b"[[]]"] * 500) + b"]", [[[]]] * 500),
    ],
)
def test_what_is_valid_comes_through(body: bytes, value: Any) -> None:
    found = parse_json(body)
    assert value is None or found == value


@pytest.mark.parametrize(
    ("body", "reason", "line", "column"),
    [
        (b'{\n  "a": 1,\n  "a": 2}', "twice", 3, 3),
        (b'{"a": 1, "b": {"a": 1}, "\\u0061": 2}', "twice", 1, 25),
        (b'["ok", NaN]', "NaN", 1, 8),
        (b"[1, -Infinity]", "NaN", 1, 5),
        (b'["1e400", 1e400]', "too large", 1, 11),
        (b"[9223372036854775808]", "64 bits", 1, 2),
        (b"[-9223372036854775809]", "64 bits", 1, 2),
        (b'["a", "b\\u0000"]', "NUL", 1, 7),
        (b'{"b\\u0000": 1}', "NUL", 1, 2),
        (b'["\\ud800"]', "surrogate", 1, 2),
        (b'["\\udc00\\ud800"]', "surrogate", 1, 2),
        (b'{"a": 1,}', "", 1, 9),
        (b"[1] x", "Extra data", 1, 5),
        (b"", "", 1, 1),
        (b'["\xff"]', "UTF-8", 1, 3),
        ("[1]".encode("utf-16"), "UTF-8", 1, 1),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "deeper", 1, 33),
    ],
)
def test_what_is_refused_says_why_and_where(body: bytes, reason: str, line: int, column: int) -> None:
    error = refused(body)
    assert reason in error.reason
    assert (error.line, error.column) == (line, column)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 500_000,
        b'{"a":' * 200_000,
        b"[]" * 500_000,
        b'"' + b'\\"' * 500_000,
        b"[" * 40 + b'"' + b'\\"' * 400_000 + b"\\",
        b"1" * 1_000_000,
        b"1e" + b"9" * 1_000_000,
        b"-" * 1_000_000,
        b"[" + b"1," * 400_000,
        b"{" + b",".join(b'"k%d":1' % n for n in range(80_000)) + b"}",
        b"[" + b"[]," * 300_000 + b"NaN]",
        b'{"a":1,' * 30 + b'"a":1,"a":2' + b"}" * 30 + b" " * 900_000,
    ],
    ids=range(12),
)
def test_a_megabyte_of_malice_costs_what_its_length_costs(body: bytes) -> None:
    """Growth, not time: four times the bytes cost a quadratic reader sixteen times the work."""
    quarter = min(processor_seconds(body[: len(body) // 4]) for _ in range(3))
    assert processor_seconds(body) <= 10 * max(quarter, 0.01)


def processor_seconds(body: bytes) -> float:
    """This thread's own processor time to refuse a body; what else the machine does is not counted."""
    started = time.thread_time()
    refused(body)
    return time.thread_time() - started


def test_too_many_keys_in_one_object() -> None:
    def wide(count: int) -> bytes:
        return b"{" + b",".join(b'"k%d":1' % n for n in range(count)) + b"}"

    assert len(parse_json(wide(MAX_KEYS))) == MAX_KEYS
    assert "keys" in refused(wide(MAX_KEYS + 1)).reason


def test_too_many_values_are_refused_before_they_are_read() -> None:
    assert len(parse_json(b"[" + b"0," * MAX_VALUES + b"0]")) == MAX_VALUES + 1
    assert "values" in refused(b"[" + b"0," * (MAX_VALUES + 1) + b"0]").reason
    body = b"[" + b"[]," * 300_000 + b"0]"
    tracemalloc.start()
    refused(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # (300,000 lists are some 19 MB)
    assert peak < 4_000_000


def test_deep_nesting_inside_a_deep_python_stack_is_no_recursion_error() -> None:
    def deeper(levels: int) -> Any:
        return deeper(levels - 1) if levels else parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)

    assert isinstance(deeper(700), list)


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_a_value_or_the_one_error(body: bytes) -> None:
    try:
        clean_json(parse_json(body))
    except MalformedJSONError as error:
        assert error.reason  # noqa: PT017


def nested(levels: int) -> Any:
    value: Any = []
    for _level in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [None, True, 1, 1.5, "x", {"a": [1, {"b": "è"}]}, nested(MAX_DEPTH), [0] * (MAX_VALUES - 1), (1, 2)],
)
def test_clean_json_lets_pass_what_jsonb_can_hold(value: Any) -> None:
    clean_json(value)


@pytest.mark.parametrize(
    "value",
    [
        "a\x00b",
        {"a\x00": 1},
        ["\ud800"],
        {"k": {"\udfff": 1}},
        float("nan"),
        [float("inf")],
        2**63,
        -(2**63) - 1,
        {1: "x"},
        {"x": object()},
        b"bytes",
        {1, 2},
        nested(MAX_DEPTH + 1),
        nested(5000),
        [0] * (MAX_VALUES + 1),
    ],
    ids=range(15),
)
def test_clean_json_refuses_what_jsonb_cannot_hold(value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        clean_json(value)
    assert caught.value.code == "invalid_json"
