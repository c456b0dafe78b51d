"""One record from its bytes: read whole and exactly, or refused with a reason.

Text is never repaired by guessing: a byte that is no character of the record's character set refuses the
record. pymarc is not used here, since it drops third indicators and empty subfields, cuts fields where a
wrong directory says so, and blanks unknown MARC-8; the tests hold our reading against pymarc's instead.
"""

import hashlib
import re

from .errors import RecordRejected, RejectCode, Remark, WarningCode
from .record import (
    FIELD_TERMINATOR,
    ControlField,
    DataField,
    Field,
    ParsedRecord,
    RawRecord,
    Subfield,
    TagIndex,
    is_control_tag,
)
from .structure import Frame, RawField, is_well_formed_tag, read_frame, write_frame
from .titles import find_title_field

_FT = "\x1e"
_SF = "\x1f"
_SF_BYTES = b"\x1f"
_ESCAPE = b"\x1b"
# Control characters that no text needs; tab, line feed and carriage return do occur in notes.
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1c\x7f]")
_SUBFIELD_CODES = frozenset(map(chr, range(0x21, 0x7F)))

# Remarks are for people; a record with thousands of odd fields needs no more lines than this.
MAX_REMARKS = 50

# Leader/06 of the other formats of the MARC 21 family.
_OTHER_FORMATS = {
    "z": RejectCode.AUTHORITY_RECORD,
    "u": RejectCode.HOLDINGS_RECORD,
    "v": RejectCode.HOLDINGS_RECORD,
    "x": RejectCode.HOLDINGS_RECORD,
    "y": RejectCode.HOLDINGS_RECORD,
    "w": RejectCode.CLASSIFICATION_RECORD,
    "q": RejectCode.COMMUNITY_RECORD,
}


def parse_record(raw: RawRecord) -> ParsedRecord:
    """Read one bibliographic MARC 21 record in UTF-8 or MARC-8.

    Raises RecordRejected with any code of RejectCode, and nothing else, whatever the bytes are.
    """
    frame = read_frame(raw.data)
    other = _OTHER_FORMATS.get(frame.leader[6])
    if other is not None:
        raise RecordRejected(other, f"leader position 6 is {frame.leader[6]!r}")
    fields, raw_fields, remarks = _decode(frame)
    remarks = [*frame.remarks, *remarks, *_odd_fields(fields)]
    index = TagIndex(fields)
    _refuse_unimarc(index)
    title = find_title_field(index)
    if title is None:
        raise RecordRejected(
            RejectCode.NO_TITLE, "field 245 is empty" if index.data("245") else "no field 245"
        )
    if title.tag != "245":
        remarks.append((WarningCode.TITLE_TAG_DAMAGED, f"tag {title.tag!r}"))
    marc = write_frame(frame.leader, raw_fields)
    return ParsedRecord(
        number=raw.number,
        offset=raw.offset,
        leader=marc[:24].decode("ascii"),
        fields=fields,
        marc=marc,
        original_hash=raw.original_hash,
        fields_hash=hashlib.sha256(marc).hexdigest(),
        warnings=tuple(dict.fromkeys(remarks))[:MAX_REMARKS],
    )


def _decode(frame: Frame) -> tuple[tuple[Field, ...], list[RawField], list[Remark]]:
    """Fields as text, the same as UTF-8 bytes, and what was odd about the text."""
    joined = FIELD_TERMINATOR.join([body for _, body in frame.fields])
    if b"\x00" in joined:
        raise RecordRejected(
            RejectCode.CONTROL_CHARACTERS, _whereabouts(frame.fields, joined, joined.index(b"\x00"))
        )
    coding = frame.leader[9]
    remarks: list[Remark] = []
    if coding != "a" and _is_marc8(joined):
        bodies = [_decode_marc8_field(tag, body) for tag, body in frame.fields]
        raw_fields = [(tag, body.encode()) for (tag, _), body in zip(frame.fields, bodies, strict=True)]
    else:
        bodies = _decode_utf8(frame.fields, joined)
        raw_fields = frame.fields
        if coding != "a" and not joined.isascii():
            remarks.append((WarningCode.UTF8_DESPITE_LEADER, ""))
    if coding not in "a ":
        remarks.append((WarningCode.UNKNOWN_ENCODING, f"leader position 9 is {coding!r}"))
    control = next((body for body in bodies if _CONTROL.search(body)), None)
    if control is not None:
        remarks.append((WarningCode.CONTROL_CHARACTERS, f"field {frame.fields[bodies.index(control)][0]}"))
    fields = tuple([_field(tag, body) for (tag, _), body in zip(frame.fields, bodies, strict=True)])
    return fields, raw_fields, remarks


def _is_marc8(joined: bytes) -> bool:
    """True unless the text is plain ASCII or UTF-8: MARC-8 letters with marks are never valid UTF-8."""
    if _ESCAPE in joined:
        return True
    if joined.isascii():
        return b"&#x" in joined
    try:
        joined.decode()
    except UnicodeDecodeError:
        return True
    return False


def _decode_utf8(fields: list[RawField], joined: bytes) -> list[str]:
    try:
        return joined.decode().split(_FT)
    except UnicodeDecodeError as error:
        where = _whereabouts(fields, joined, error.start)
        detail = f"{where}: 0x{joined[error.start]:02X} is not valid UTF-8"
        raise RecordRejected(RejectCode.UNDECODABLE_TEXT, detail) from error


def _decode_marc8_field(tag: str, body: bytes) -> str:
    """Each subfield on its own, as the character sets go back to their defaults at every delimiter."""
    if body.isascii() and _ESCAPE not in body and b"&#x" not in body:
        return body.decode("ascii")
    # Here, because its tables are large, and only who reads such a record needs them.
    from .marc8 import Marc8Error, decode_marc8

    position = 0
    parts: list[str] = []
    for part in body.split(_SF_BYTES):
        # A mark or an escape in place of the code would make the next character the code.
        if parts and part and not 0x20 <= part[0] < 0x7F:
            detail = f"field {tag}, byte {position}: 0x{part[0]:02X} as subfield code"
            raise RecordRejected(RejectCode.UNDECODABLE_TEXT, detail)
        try:
            parts.append(decode_marc8(part))
        except Marc8Error as error:
            detail = f"field {tag}, byte {position + error.position}: {error.reason}"
            raise RecordRejected(RejectCode.UNDECODABLE_TEXT, detail) from error
        position += len(part) + 1
    return _SF.join(parts)


def _whereabouts(fields: list[RawField], joined: bytes, position: int) -> str:
    """The field, and the byte in it, that a position in the joined fields falls on."""
    tag, _ = fields[joined.count(FIELD_TERMINATOR, 0, position)]
    return f"field {tag}, byte {position - joined.rfind(FIELD_TERMINATOR, 0, position) - 1}"


def _field(tag: str, body: str) -> Field:
    if is_control_tag(tag):
        return ControlField(tag, body)
    indicators, *parts = body.split(_SF)
    return DataField(tag, indicators, tuple([Subfield(part[:1], part[1:]) for part in parts]))


def _odd_fields(fields: tuple[Field, ...]) -> list[Remark]:
    remarks: list[Remark] = []
    for field in fields:
        if not is_well_formed_tag(field.tag):
            remarks.append((WarningCode.TAG_MALFORMED, f"tag {field.tag!r}"))
        if isinstance(field, ControlField):
            continue
        if len(field.indicators) != 2:
            remarks.append((WarningCode.INDICATORS_MALFORMED, f"field {field.tag}"))
        for code, _ in field.subfields:
            if code not in _SUBFIELD_CODES:
                kind = WarningCode.SUBFIELD_CODE_MALFORMED if code else WarningCode.EMPTY_SUBFIELD
                remarks.append((kind, f"field {field.tag}"))
    return remarks


def _refuse_unimarc(index: TagIndex) -> None:
    """UNIMARC shares the frame of MARC 21 but has its title in 200 $a, which MARC 21 does not define."""
    if not index.data("245") and any(field.first("a").strip() for field in index.data("200")):
        raise RecordRejected(RejectCode.NOT_MARC21, "the title stands in field 200, as in UNIMARC")
