"""JSON in: what is read from outside, and what may be stored in a jsonb column.

Stricter than RFC 8259 where leniency has hurt others: no duplicate keys (two readers may see two different
values), no NaN or infinity, numbers that fit 64 bits, nesting up to 32 levels, at most 50,000 values, no NUL and
no lone surrogate (PostgreSQL's jsonb refuses both with an error).
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MAX_DEPTH = 32
MAX_KEYS = 10_000
MAX_VALUES = 50_000
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
# A string (to the end of the text where it is never closed, so that the scan stays linear), a bracket, or a
# number or word outside of strings.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]|[^\s"\[\]{},:]++', re.DOTALL)
_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_AFTER_KEY = re.compile(r"[ \t\r\n]*:")


class MalformedJSONError(ValueError):
    """The text is not JSON that we take; `line` and `column` count from 1, None without a position."""

    def __init__(self, reason: str, text: str | None = None, at: int | None = None) -> None:
        self.reason = reason
        self.line = self.column = None
        if text is not None and at is not None:
            self.line = text.count("\n", 0, at) + 1
            self.column = at - text.rfind("\n", 0, at)
        super().__init__(reason)


class _RefusedError(ValueError):
    """Raised by the hooks below, which do not know where they are."""


def parse_json(body: bytes) -> Any:
    """Return the value that `body` holds. Raises MalformedJSONError, and nothing else, for other bytes."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        start = body[: error.start].decode("utf-8")
        raise MalformedJSONError(_("The body is not UTF-8."), start, len(start)) from error
    # Commas in strings count too: no field of ours is long enough for so many.
    if text.count(",") > MAX_VALUES:
        raise MalformedJSONError(_("More than %(limit)d values.") % {"limit": MAX_VALUES})
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_bounded_int,
            parse_float=_finite_float,
        )
        if "\\u" in text:  # only an escape can spell NUL or a lone surrogate
            _check_strings(value)
    except json.JSONDecodeError as error:
        raise MalformedJSONError(error.msg, text, error.pos) from error
    except _RefusedError as error:
        raise MalformedJSONError(str(error), text, _position(text)) from error
    return value


def clean_json(value: Any) -> None:
    """Validator of every JSONField. Raises ValidationError for what jsonb or a JSON reader would refuse."""
    pending: list[tuple[Any, int]] = [(value, 1)]
    seen = 0
    while pending:
        item, depth = pending.pop()
        seen += 1
        container = isinstance(item, dict | list | tuple)
        problem = _too_much(seen, depth if container else 0) or _value_problem(item)
        if problem:
            raise ValidationError(problem, code="invalid_json")
        if isinstance(item, dict):
            pending.extend((key, depth) for key in item)
            pending.extend((member, depth + 1) for member in item.values())
        elif isinstance(item, list | tuple):
            pending.extend((member, depth + 1) for member in item)


def _too_much(seen: int, depth: int) -> str | None:
    if seen > MAX_VALUES:
        return _("More than %(limit)d values.") % {"limit": MAX_VALUES}
    if depth > MAX_DEPTH:
        return _("Nested deeper than %(limit)d levels.") % {"limit": MAX_DEPTH}
    return None


def _value_problem(item: Any) -> str | None:
    if isinstance(item, str):
        return _text_problem(item)
    if isinstance(item, float) and not math.isfinite(item):
        return _("NaN and infinity are not JSON.")
    if isinstance(item, int) and not INT_MIN <= item <= INT_MAX:
        return _("A whole number does not fit 64 bits.")
    if isinstance(item, dict) and not all(isinstance(key, str) for key in item):
        return _("A key is not a string.")
    if item is None or isinstance(item, str | bool | int | float | list | tuple | dict):
        return None
    return _("%(kind)s has no JSON form.") % {"kind": type(item).__name__}


def _text_problem(text: str) -> str | None:
    if "\x00" in text:
        return _("A string holds the character NUL.")
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        return _("A string holds half of a surrogate pair.")
    return None


def _check_depth(text: str) -> None:
    """Refuse deep nesting before the parser recurses: its own limit is the interpreter's stack."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _BRACKET.finditer(text):
        mark = token[0]
        if mark in ("[", "{"):
            depth += 1
            if depth > MAX_DEPTH:
                reason = _("Nested deeper than %(limit)d levels.") % {"limit": MAX_DEPTH}
                raise MalformedJSONError(reason, text, token.start())
        elif mark in ("]", "}"):
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RefusedError(_("A key stands twice in one object."))
    if len(found) > MAX_KEYS:
        raise _RefusedError(_("More than %(limit)d keys in one object.") % {"limit": MAX_KEYS})
    return found


def _no_constant(_name: str) -> Any:
    raise _RefusedError(_("NaN and infinity are not JSON."))


def _bounded_int(text: str) -> int:
    # The length first: converting a very long number is slow, and Python refuses it with another error.
    if len(text) > 20 or not INT_MIN <= int(text) <= INT_MAX:
        raise _RefusedError(_("A whole number does not fit 64 bits."))
    return int(text)


def _finite_float(text: str) -> float:
    number = float(text) if len(text) <= 400 else math.inf
    if not math.isfinite(number):
        raise _RefusedError(_("A number is too large."))
    return number


def _check_strings(value: Any) -> None:
    for text in _strings(value):
        problem = _text_problem(text)
        if problem:
            raise _RefusedError(problem)


def _strings(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from item
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


def _position(text: str) -> int | None:
    """Where the first thing stands that the hooks refused. Only called for text that is JSON but for that."""
    scopes: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in ("[", "{"):
            scopes.append(set())
        elif mark in ("]", "}"):
            if scopes:
                scopes.pop()
        elif _is_refused(
            mark,
            is_key=bool(_AFTER_KEY.match(text, token.end())),
            keys=scopes[-1] if scopes else set(),
        ):
            return token.start()
    return None


def _is_refused(mark: str, *, is_key: bool, keys: set[str]) -> bool:
    try:
        value = json.loads(
            mark,
            parse_constant=_no_constant,
            parse_int=_bounded_int,
            parse_float=_finite_float,
        )
    except ValueError:
        return True
    if not isinstance(value, str):
        return False
    repeated = is_key and value in keys
    if is_key:
        keys.add(value)
    return repeated or _text_problem(value) is not None or len(keys) > MAX_KEYS
