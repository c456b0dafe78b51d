"""Cuts a file into records at the record terminator, in bounded memory, and loses no byte.

The lengths in the leaders are not used to find the next record: one wrong length would swallow good records.
They serve only to find a good record behind one that lost its terminator.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from .errors import RejectCode
from .record import (
    DIRECTORY_ENTRY_LENGTH,
    FIELD_TERMINATOR,
    LEADER_LENGTH,
    MAX_RECORD_LENGTH,
    RECORD_TERMINATOR,
    RawRecord,
    RejectedRun,
)

READ_SIZE = 256 * 1024
HEAD_SIZE = 2_000  # bytes of a rejected run that are kept for the report
# What may stand between records: blanks and line ends, the end-of-file mark of DOS, the padding of tapes.
FILLER = b" \t\r\n\x1a\x00"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LEADER = re.compile(rb"(?=([0-9]{5})[\x20-\x7e]{5}22([0-9]{5}))")

Item = RawRecord | RejectedRun


def split_records(stream: BinaryIO) -> Iterator[Item]:
    """Yield every record of a binary stream, and every stretch that cannot be one, in the order of the file.

    Items are numbered from 1; between two items there is nothing but filler, so the lengths of the items and
    the filler add up to the file. A RawRecord ends with its terminator and holds at most 99,999 bytes; longer
    stretches and a last one without terminator come as RejectedRun. Holds about READ_SIZE + 100 kB in memory.
    Raises only what the stream's read() raises.
    """
    numbered = 0
    run = _Run(0)
    first = True
    while block := stream.read(READ_SIZE):
        *whole, rest = block.split(RECORD_TERMINATOR)
        for part in whole:
            run.add(part + RECORD_TERMINATOR)
            for item in run.items(numbered, strip_mark=first):
                numbered = item.number
                yield item
            first = False
            run = _Run(run.offset + run.length)
        run.add(rest)
    yield from run.items(numbered, strip_mark=first)


class _Run:
    """The bytes since the last terminator: whole while short, head and tail once too long for a record."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.length = 0
        self.head = b""
        self.tail = bytearray()

    def add(self, part: bytes) -> None:
        self.length += len(part)
        self.tail += part
        if len(self.tail) > 2 * MAX_RECORD_LENGTH:  # not at every block: cutting copies
            self._cut()

    def _cut(self) -> None:
        if not self.head:
            self.head = bytes(self.tail.lstrip(FILLER)[:HEAD_SIZE])
        del self.tail[:-MAX_RECORD_LENGTH]

    def items(self, numbered: int, *, strip_mark: bool) -> Iterator[Item]:
        """The run as items: one record, a rejected run, or a rejected run and the record found at its end."""
        data = bytes(self.tail)
        end = self.offset + self.length
        begin = self.offset  # where a rejected run begins; its middle may be gone from memory
        whole = len(data) == self.length
        if whole:
            data = _without_filler(data, strip_mark=strip_mark)
            begin = end - len(data)
        if not data.endswith(RECORD_TERMINATOR):
            kept = data.rstrip(FILLER)
            if kept:
                end -= len(data) - len(kept)
                yield self._rejected(numbered + 1, begin, end, RejectCode.RECORD_TRUNCATED, kept)
            return
        cut = 0 if data[:5] == b"%05d" % len(data) else _embedded_record(data)
        if cut:
            code = RejectCode.RECORD_TRUNCATED if _LEADER.match(self.head or data) else RejectCode.BAD_LEADER
            start = end - len(data) + cut
            yield self._rejected(numbered + 1, begin, start, code, data[:cut])
            yield RawRecord(numbered + 2, start, data[cut:])
        elif whole and len(data) <= MAX_RECORD_LENGTH:
            yield RawRecord(numbered + 1, begin, data)
        else:
            yield self._rejected(numbered + 1, begin, end, RejectCode.RECORD_TOO_LONG, data)

    def _rejected(self, number: int, begin: int, end: int, code: RejectCode, data: bytes) -> RejectedRun:
        length = end - begin
        return RejectedRun(number, begin, length, code, f"{length} bytes", self.head or data[:HEAD_SIZE])


def _without_filler(data: bytes, *, strip_mark: bool) -> bytes:
    if strip_mark and data.startswith(_BYTE_ORDER_MARK):
        data = data[len(_BYTE_ORDER_MARK) :]
    return data.lstrip(FILLER)


def _embedded_record(data: bytes) -> int:
    """Where in `data` a record starts that ends exactly with it; 0 if there is none.

    A stretch without a terminator (a record cut off, a line of text) has the next good record glued to it.
    """
    for match in _LEADER.finditer(data, 1):
        begin = match.start()
        if int(match[1]) != len(data) - begin or begin + LEADER_LENGTH >= len(data):
            continue
        directory = int(match[2]) - 1 - LEADER_LENGTH
        end = begin + LEADER_LENGTH + directory
        if (
            directory > 0
            and directory % DIRECTORY_ENTRY_LENGTH == 0
            and data[end : end + 1] == FIELD_TERMINATOR
        ):
            return begin
    return 0
