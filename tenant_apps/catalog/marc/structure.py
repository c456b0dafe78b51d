"""The frame of an ISO 2709 record: leader, directory, fields, as bytes; and writing them again.

The declared lengths are claims, the terminators are facts: where they differ, a record is read by its
terminators if that is unambiguous, and refused if it is not. Source: MARC 21 record structure, ISO 2709:2008.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .errors import RecordRejected, RejectCode, Remark, WarningCode
from .record import (
    DIRECTORY_ENTRY_LENGTH,
    FIELD_TERMINATOR,
    LEADER_LENGTH,
    MAX_FIELD_LENGTH,
    MAX_RECORD_LENGTH,
    RECORD_TERMINATOR,
    SUBFIELD_DELIMITER,
    is_control_tag,
)

_PRINTABLE = re.compile(rb"[\x20-\x7e]*\Z")
_TAG = re.compile(r"[0-9A-Za-z]{3}\Z")
_DIGITS_ONLY = re.compile(rb"[0-9]+\Z")
_ENTRY = re.compile(rb"[\x20-\x7e]{3}[0-9]{9}\Z")

# A field while it is still bytes, without its terminator.
RawField = tuple[str, bytes]


@dataclass(slots=True)
class Frame:
    """A record cut into its parts. `fields` stand in the order of the directory."""

    leader: str
    fields: list[RawField]
    remarks: list[Remark] = field(default_factory=list)


def read_frame(data: bytes) -> Frame:
    """Cut the bytes of one record (terminator included) into leader and fields.

    Raises RecordRejected: record_truncated, record_too_long, bad_leader, not_marc21, empty_record,
    bad_directory, length_mismatch.
    """
    if len(data) > MAX_RECORD_LENGTH:
        raise RecordRejected(RejectCode.RECORD_TOO_LONG, f"{len(data)} bytes")
    if not data.endswith(RECORD_TERMINATOR):
        raise RecordRejected(RejectCode.RECORD_TRUNCATED, f"{len(data)} bytes without a record terminator")
    if data.find(RECORD_TERMINATOR) != len(data) - 1:
        raise RecordRejected(RejectCode.LENGTH_MISMATCH, "a record terminator inside the record")
    leader = _read_leader(data)
    remarks = _leader_remarks(data)
    end = data.find(FIELD_TERMINATOR)
    if end < 0:
        raise RecordRejected(RejectCode.BAD_DIRECTORY, "the directory has no end")
    directory = data[LEADER_LENGTH:end]
    if len(directory) % DIRECTORY_ENTRY_LENGTH:
        raise RecordRejected(RejectCode.BAD_DIRECTORY, f"{len(directory)} bytes are no multiple of 12")
    if not directory:
        raise RecordRejected(RejectCode.EMPTY_RECORD, "the directory is empty")
    if data[12:17] != b"%05d" % (end + 1):
        remarks.append((WarningCode.LEADER_CORRECTED, "base address"))
    fields, more = _read_fields(directory, data[end + 1 : -1])
    if remarks and more and more[0][0] is WarningCode.UNREFERENCED_DATA:
        # With a sound leader that is a deleted field; with a wrong one, bytes and perhaps entries were lost.
        raise RecordRejected(RejectCode.LENGTH_MISMATCH, "wrong leader, and data that no entry names")
    remarks.extend(more)
    return Frame(leader, fields, remarks)


def write_frame(leader: str, fields: Sequence[RawField]) -> bytes:
    """Write leader and fields as one UTF-8 record; lengths, addresses and coding in the leader are set here.

    Raises RecordRejected: field_too_long, record_too_long.
    """
    directory: list[bytes] = []
    position = 0
    for tag, body in fields:
        length = len(body) + 1
        if length > MAX_FIELD_LENGTH:
            raise RecordRejected(RejectCode.FIELD_TOO_LONG, f"field {tag}: {length} bytes in UTF-8")
        directory.append(b"%3b%04d%05d" % (tag.encode("ascii"), length, position))
        position += length
    base = LEADER_LENGTH + len(fields) * DIRECTORY_ENTRY_LENGTH + 1
    total = base + position + 1
    if total > MAX_RECORD_LENGTH:
        raise RecordRejected(RejectCode.RECORD_TOO_LONG, f"{total} bytes in UTF-8")
    head = f"{total:05d}{leader[5:9]}a22{base:05d}{leader[17:20]}4500".encode("ascii")
    bodies = FIELD_TERMINATOR.join([body for _, body in fields])
    return b"".join((head, *directory, FIELD_TERMINATOR, bodies, FIELD_TERMINATOR, RECORD_TERMINATOR))


def _read_leader(data: bytes) -> str:
    raw = data[:LEADER_LENGTH]
    if len(raw) < LEADER_LENGTH or not _PRINTABLE.match(raw):
        raise RecordRejected(RejectCode.BAD_LEADER, "fewer than 24 printable characters")
    if not _DIGITS_ONLY.match(raw[:5]) and not _DIGITS_ONLY.match(raw[12:17]):
        raise RecordRejected(RejectCode.BAD_LEADER, "neither a record length nor a base address")
    # Digits other than 2 and 2 belong to another format of the family, such as danMARC2.
    counts = raw[10:12]
    if counts != b"22" and _DIGITS_ONLY.match(counts):
        raise RecordRejected(RejectCode.NOT_MARC21, f"indicator and subfield code counts {counts.decode()}")
    return raw.decode("ascii")


def _leader_remarks(data: bytes) -> list[Remark]:
    remarks: list[Remark] = []
    if data[:5] != b"%05d" % len(data):
        remarks.append((WarningCode.LENGTH_CORRECTED, f"{data[:5].decode('ascii')!r}, in truth {len(data)}"))
    if data[10:12] != b"22":
        remarks.append((WarningCode.LEADER_CORRECTED, "indicator and subfield code counts"))
    return remarks


def _read_fields(directory: bytes, body: bytes) -> tuple[list[RawField], list[Remark]]:
    entries = [
        directory[i : i + DIRECTORY_ENTRY_LENGTH] for i in range(0, len(directory), DIRECTORY_ENTRY_LENGTH)
    ]
    pieces = body.split(FIELD_TERMINATOR)
    # What stands behind the last terminator belongs to no field; a field without its terminator is a cut one.
    tail = pieces.pop()
    if not tail and len(pieces) == len(entries) and _in_order(entries, pieces):
        return [(_tag(entry), piece) for entry, piece in zip(entries, pieces, strict=True)], []
    fields, used = _by_address(entries, pieces)
    if fields is not None:
        unused = len(pieces) - used
        remarks = [(WarningCode.UNREFERENCED_DATA, f"{unused} stretches")] if unused or tail else []
        return fields, remarks
    return _by_terminators(entries, pieces, tail), [(WarningCode.DIRECTORY_REBUILT, "")]


def _in_order(entries: list[bytes], pieces: list[bytes]) -> bool:
    position = 0
    for entry, piece in zip(entries, pieces, strict=True):
        length = len(piece) + 1
        if entry[3:] != b"%04d%05d" % (length, position):
            return False
        position += length
    return True


def _by_address(entries: list[bytes], pieces: list[bytes]) -> tuple[list[RawField] | None, int]:
    """Fields found where the directory says, if each entry names one whole stretch, none named twice."""
    stretches: dict[tuple[int, int], bytes] = {}
    position = 0
    for piece in pieces:
        stretches[len(piece) + 1, position] = piece
        position += len(piece) + 1
    fields: list[RawField] = []
    for entry in entries:
        if not _ENTRY.match(entry):
            return None, 0
        piece_or_none = stretches.pop((int(entry[3:7]), int(entry[7:12])), None)
        if piece_or_none is None:
            return None, 0
        fields.append((_tag(entry), piece_or_none))
    return fields, len(fields)


def _by_terminators(entries: list[bytes], pieces: list[bytes], tail: bytes) -> list[RawField]:
    """Fields taken in order, whatever the lengths say: only if their number and their kinds fit the tags."""
    if tail:
        raise RecordRejected(RejectCode.LENGTH_MISMATCH, "the last field has no end")
    if len(entries) != len(pieces):
        raise RecordRejected(
            RejectCode.LENGTH_MISMATCH, f"{len(entries)} directory entries, {len(pieces)} fields"
        )
    fields = [(_tag(entry), piece) for entry, piece in zip(entries, pieces, strict=True)]
    for tag, piece in fields:
        if not _TAG.match(tag):
            raise RecordRejected(RejectCode.BAD_DIRECTORY, f"tag {tag!r}")
        # Without addresses, the kind of a field is the proof that tag and content belong together.
        if is_control_tag(tag) == (SUBFIELD_DELIMITER in piece):
            raise RecordRejected(
                RejectCode.LENGTH_MISMATCH, f"the content found for tag {tag} is not its own"
            )
    return fields


def _tag(entry: bytes) -> str:
    raw = entry[:3]
    if not _PRINTABLE.match(raw):
        raise RecordRejected(RejectCode.BAD_DIRECTORY, f"tag {raw!r}")
    return raw.decode("ascii")


def is_well_formed_tag(tag: str) -> bool:
    """True for three letters or digits (MARC 21 directory specification)."""
    return _TAG.match(tag) is not None
