"""A whole file: every item either a record or a line of the report, so that read = kept + rejected."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from .errors import RecordRejected, RejectCode
from .fold import clean_text
from .parse import parse_record
from .record import ParsedRecord, RawRecord, RejectedRecord, RejectedRun
from .split import split_records

MAX_GUESS_LENGTH = 200  # characters of the title that the report shows for a rejected record
_SUBFIELD_A = re.compile(rb"[\x20-\x7e]{2}\x1fa([^\x1d\x1e\x1f]{1,800})")


def read_records(stream: BinaryIO) -> Iterator[ParsedRecord | RejectedRecord]:
    """Yield one outcome for every item of a binary MARC 21 stream, in the order of the file.

    Raises only what the stream's read() raises.
    """
    for item in split_records(stream):
        yield read_item(item)


def read_item(item: RawRecord | RejectedRun) -> ParsedRecord | RejectedRecord:
    """The outcome of one item of `split_records`."""
    if isinstance(item, RejectedRun):
        return reject(item, item.code, item.detail)
    try:
        return parse_record(item)
    except RecordRejected as refusal:
        return reject(item, refusal.code, refusal.detail)


def reject(item: RawRecord | RejectedRun, code: RejectCode, detail: str) -> RejectedRecord:
    """The report line of an item that is not kept, also where a caller refuses it for reasons of its own."""
    data, length = (item.data, len(item.data)) if isinstance(item, RawRecord) else (item.head, item.length)
    return RejectedRecord(item.number, item.offset, length, code, detail, guess_title(data))


def guess_title(data: bytes) -> str:
    """A heading to know a rejected record by, at most 200 characters: for people, never used as data."""
    fields = data.split(b"\x1e")
    directory = fields[0][24:]
    tags = [directory[i : i + 3] for i in range(0, len(directory), 12)]
    named = list(zip(tags, fields[1:], strict=False))
    # The title of MARC 21, that of UNIMARC, the heading of an authority record; else the first text there is.
    titles = [body for wanted in (b"245", b"200") for tag, body in named if tag == wanted]
    headings = [body for tag, body in named if tag.startswith(b"1")]
    for body in (*titles, *headings, data):
        match = _SUBFIELD_A.search(body)
        if match:
            return clean_text(match[1].decode("utf-8", errors="replace"), MAX_GUESS_LENGTH)
    return ""
