"""Readers of JSON that came from outside: each takes a value and where it stood, and returns it typed, or refuses.

Nothing is converted, guessed or left over: what is not exactly as asked for raises WrongShape with its place. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any, TypeVar
from uuid import UUID

T = TypeVar("T")
Read = Callable[[Any, str], T]
_INT_MAX = 2**63 - 1
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SOMETHING = re.compile(r".+", re.DOTALL)
MAX_FILE_NAME, MAX_FILE_PART = 1_024, 255


class WrongShape(ValueError):
    """The text names the place and what is wrong there."""


def text(pattern: re.Pattern[str]) -> Read[str]:
    """A string that the pattern matches as a whole."""

    def read(value: Any, where: str) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise WrongShape(f"{where} has a value that is not allowed")
        return value

    return read


def number(value: Any, where: str) -> int:
    """A whole number of 64 bits."""
    if type(value) is not int or not -_INT_MAX - 1 <= value <= _INT_MAX:
        raise WrongShape(f"{where} is not a whole number of 64 bits")
    return value


def count(value: Any, where: str) -> int:
    """A whole number from 0."""
    if number(value, where) < 0:
        raise WrongShape(f"{where} is negative")
    return int(value)


def flag(value: Any, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise WrongShape(f"{where} is neither true nor false")
    return value


def identifier(value: Any, where: str) -> UUID:
    """A UUID in its usual spelling."""
    return UUID(text(_UUID)(value, where))


def moment(value: Any, where: str) -> datetime:
    """An ISO 8601 moment in UTC, as Python spells it."""
    try:
        found = datetime.fromisoformat(value)
        if found.utcoffset() == timedelta() and found.isoformat() == value:
            return found
    except (TypeError, ValueError):
        pass  # said below, like every other wrong moment
    raise WrongShape(f"{where} is not a moment in UTC")


def file_name(value: Any, where: str) -> str:
    """A relative path that stays where it is put: no empty, `.` or `..` part, no backslash, no control character."""
    name = text(_SOMETHING)(value, where)
    parts = name.split("/")
    if _CONTROL.search(name) or {"", ".", ".."} & set(parts) or PurePosixPath(name).is_absolute():
        raise WrongShape(f"{where} is a path that leads elsewhere or cannot be")
    if len(name) > MAX_FILE_NAME or any(len(part.encode()) > MAX_FILE_PART for part in parts):
        raise WrongShape(f"{where} is too long for a file's name")
    return name


def optional(read: Read[T]) -> Read[T | None]:
    """What `read` takes, or null."""
    return lambda value, where: None if value is None else read(value, where)


def pair(first: Read[str], second: Read[str]) -> Read[tuple[str, str]]:
    """A list of two."""

    def read(value: Any, where: str) -> tuple[str, str]:
        if not isinstance(value, list) or len(value) != 2:
            raise WrongShape(f"{where} is not a pair")
        return first(value[0], where), second(value[1], where)

    return read


def sequence(read_one: Read[T], *, most: int) -> Read[tuple[T, ...]]:
    """A list of at most `most`."""

    def read(value: Any, where: str) -> tuple[T, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise WrongShape(f"{where} is not a list of at most {most}")
        return tuple(read_one(item, f"{where}[{place}]") for place, item in enumerate(value))

    return read


def ascending(
    read_one: Read[T], *, most: int, by: Callable[[T], Any] = lambda item: item
) -> Read[tuple[T, ...]]:
    """A list of at most `most`, in order and without repetition."""
    read_all = sequence(read_one, most=most)

    def read(value: Any, where: str) -> tuple[T, ...]:
        items = read_all(value, where)
        keys = [by(item) for item in items]
        if any(later <= earlier for earlier, later in pairwise(keys)):
            raise WrongShape(f"{where} is out of order or names something twice")
        return items

    return read


def record(kind: Callable[..., T], **readers: Read[Any]) -> Read[T]:
    """An object with exactly these members."""

    def read(value: Any, where: str) -> T:
        if not isinstance(value, dict) or value.keys() != readers.keys():
            raise WrongShape(f"{where} does not have the members that it should")
        return kind(**{name: reader(value[name], f"{where}.{name}") for name, reader in readers.items()})

    return read
