"""The shapes that a MARC file and a MARC record are read into. Nothing here is changed once made."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from .errors import RejectCode, Remark

RECORD_TERMINATOR = b"\x1d"
FIELD_TERMINATOR = b"\x1e"
SUBFIELD_DELIMITER = b"\x1f"
LEADER_LENGTH = 24
DIRECTORY_ENTRY_LENGTH = 12
MAX_RECORD_LENGTH = 99_999  # bytes; the leader has five digits for it (ISO 2709)
MAX_FIELD_LENGTH = 9_999  # bytes with the terminator; a directory entry has four digits for it


class Subfield(NamedTuple):
    """One subfield. `code` is one character, or empty where nothing stands behind the delimiter."""

    code: str
    value: str


class ControlField(NamedTuple):
    """A field 001 to 009: plain data, no indicators."""

    tag: str
    data: str


class DataField(NamedTuple):
    """Any other field. `indicators` is all that stands before the first subfield: two characters if sound."""

    tag: str
    indicators: str
    subfields: tuple[Subfield, ...]

    def first(self, code: str) -> str:
        """Text of the first subfield with this code, or an empty string."""
        for subfield in self.subfields:
            if subfield.code == code:
                return subfield.value
        return ""

    def values(self, codes: str) -> list[str]:
        """Texts of all subfields whose code is among `codes`, in the order of the record."""
        return [value for code, value in self.subfields if code and code in codes]

    def indicator(self, position: int) -> str:
        """Indicator 1 or 2, or a blank where the record has none."""
        return self.indicators[position - 1 : position] or " "


Field = ControlField | DataField


def is_control_tag(tag: str) -> bool:
    """True for 00X with a digit, the only fields without indicators (MARC 21 directory specification)."""
    return tag[:2] == "00" and tag[2:].isdigit()


@dataclass(frozen=True, slots=True)
class RawRecord:
    """The bytes of one record with its terminator. `number` counts items from 1, `offset` bytes from 0."""

    number: int
    offset: int
    data: bytes

    @property
    def original_hash(self) -> str:
        """SHA-256 of the bytes, hex: an unchanged record is found by it before anything is parsed."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class RejectedRun:
    """A stretch of the file that is no record, counted as one item. `head` is its beginning."""

    number: int
    offset: int
    length: int
    code: RejectCode
    detail: str
    head: bytes


@dataclass(frozen=True)
class ParsedRecord:
    """A record that was read whole.

    `marc` is the canonical form: ISO 2709 in UTF-8, every field, indicator and subfield in its order.
    `original_hash` is the SHA-256 (hex) of the bytes in the file, `fields_hash` that of `marc`.
    """

    number: int
    offset: int
    leader: str
    fields: tuple[Field, ...]
    marc: bytes
    original_hash: str
    fields_hash: str
    warnings: tuple[Remark, ...]

    @cached_property
    def index(self) -> "TagIndex":
        """The fields by tag, built on first use."""
        return TagIndex(self.fields)


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """One line of the report: an item that was not kept. `title` is a guess for people, may be empty."""

    number: int
    offset: int
    length: int
    code: RejectCode
    detail: str
    title: str


class TagIndex:
    """Fields of one record by tag, each tag's in the order of the record."""

    __slots__ = ("_control", "_data")

    def __init__(self, fields: Iterable[Field]) -> None:
        self._control: dict[str, str] = {}
        self._data: dict[str, list[DataField]] = {}
        for field in fields:
            if isinstance(field, ControlField):
                self._control.setdefault(field.tag, field.data)
            else:
                self._data.setdefault(field.tag, []).append(field)

    def control(self, tag: str) -> str:
        """Data of the first control field with this tag, or an empty string."""
        return self._control.get(tag, "")

    def data(self, *tags: str) -> list[DataField]:
        """Data fields with these tags, grouped in the order the tags are given."""
        found: list[DataField] = []
        for tag in tags:
            found.extend(self._data.get(tag, ()))
        return found

    def tags(self) -> Iterable[str]:
        """Tags of the data fields, in the order they first appear."""
        return self._data.keys()
