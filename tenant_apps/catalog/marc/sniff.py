"""What a file is, judged by its first bytes, so that a wrong one is refused at once and by name."""

import re
from enum import StrEnum

from .split import FILLER

SNIFF_SIZE = 100_000  # bytes of a file's beginning that are enough for `sniff`: the longest first record


class Format(StrEnum):
    """Kinds of files that people upload as a catalogue. Only MARC21 is read by this package."""

    EMPTY = "empty"
    MARC21 = "marc21"
    UNIMARC = "unimarc"
    MARCXML = "marcxml"
    XML = "xml"
    ZIP = "zip"
    GZIP = "gzip"
    PDF = "pdf"
    TEXT = "text"
    UNKNOWN = "unknown"


_MAGIC = (
    (b"PK\x03\x04", Format.ZIP),
    (b"PK\x05\x06", Format.ZIP),
    (b"\x1f\x8b", Format.GZIP),
    (b"%PDF-", Format.PDF),
)
# A leader has its length or its base address in digits; what stands between differs between the formats.
_LEADER = re.compile(rb"[0-9]{5}[\x20-\x7e]{19}|[\x20-\x7e]{12}[0-9]{5}[\x20-\x7e]{7}")
_LEADER_ANYWHERE = re.compile(rb"[0-9]{5}[\x20-\x7e]{5}22[0-9]{5}[\x20-\x7e]{3}45")
_MARCXML = re.compile(rb"http://www\.loc\.gov/MARC21/slim|<(?:[A-Za-z]+:)?(?:leader|datafield)\b")
_TEXT_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def sniff(head: bytes) -> Format:
    """Recognise a file by its beginning, at best SNIFF_SIZE bytes of it. Never raises.

    MARC21 means "worth reading record by record": a damaged first record does not make another format of it.
    """
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    body = head.removeprefix(b"\xef\xbb\xbf").lstrip(FILLER)
    if not body:
        return Format.EMPTY
    if body.startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
        return _xml_kind(body)
    if _is_iso2709(body):
        return Format.UNIMARC if _looks_unimarc(body) else Format.MARC21
    return Format.UNKNOWN if _TEXT_CONTROLS.search(body) else Format.TEXT


def _xml_kind(body: bytes) -> Format:
    if not body.startswith(b"<"):
        # A byte order mark of UTF-16: no MARC, and XML only if it says so.
        return Format.XML if body[2:6].replace(b"\x00", b"").startswith(b"<") else Format.TEXT
    if _MARCXML.search(body):
        return Format.MARCXML
    return Format.XML


def _is_iso2709(body: bytes) -> bool:
    if _LEADER.match(body):
        # A line of digits is a leader only if a directory with its end mark follows.
        return b"\x1e" in body or b"\x1d" in body
    return b"\x1e" in body and _LEADER_ANYWHERE.search(body) is not None


def _looks_unimarc(body: bytes) -> bool:
    """Judged by the directory of the first record: a title in 200 and none in 245."""
    end = body.find(b"\x1e")
    directory = body[24:end]
    tags = {directory[i : i + 3] for i in range(0, len(directory) - 11, 12)}
    return b"200" in tags and b"245" not in tags
