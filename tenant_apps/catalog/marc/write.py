"""Records going out: ISO 2709 and MARCXML, from the canonical form that ParsedRecord.marc holds."""

import re
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from .parse import parse_record
from .record import ControlField, Field, ParsedRecord, RawRecord, Subfield

MARCXML_NAMESPACE = "http://www.loc.gov/MARC21/slim"
_XML_HEAD = f'<?xml version="1.0" encoding="UTF-8"?>\n<collection xmlns="{MARCXML_NAMESPACE}">\n'
_XML_TAIL = "</collection>\n"
# XML 1.0 cannot hold these at all; U+FFFD in their place shows that something stood there.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_iso2709(marc: bytes) -> bytes:
    """A stored record as it goes into an export file: ISO 2709 in UTF-8, terminator included.

    Exports are these one after the other. Raises RecordRejected if `marc` is not a record that parse_record
    accepts, so that a damaged store never makes a damaged file.
    """
    return _parsed(marc).marc


def to_marcxml(marc: bytes) -> bytes:
    """A stored record as a MARCXML document of its own, UTF-8. Raises RecordRejected as to_iso2709 does."""
    return b"".join(marcxml_documents([marc]))


def marcxml_documents(records: Iterable[bytes]) -> Iterator[bytes]:
    """One MARCXML collection of any number of stored records, in pieces, for streaming.

    What XML cannot express is adapted: control characters become U+FFFD, a carriage return is written as a
    reference, an empty subfield without a code is left out, missing indicators are blank, and what stands
    behind the second indicator becomes a subfield "?". Raises RecordRejected as to_iso2709 does.
    """
    yield _XML_HEAD.encode()
    for marc in records:
        yield _record_element(_parsed(marc)).encode()
    yield _XML_TAIL.encode()


def _parsed(marc: bytes) -> ParsedRecord:
    return parse_record(RawRecord(number=1, offset=0, data=marc))


def _record_element(parsed: ParsedRecord) -> str:
    lines = ["<record>\n", f"  <leader>{_text(parsed.leader)}</leader>\n"]
    lines.extend(_field_element(field) for field in parsed.fields)
    lines.append("</record>\n")
    return "".join(lines)


def _field_element(field: Field) -> str:
    tag = _attribute(field.tag)
    if isinstance(field, ControlField):
        return f"  <controlfield tag={tag}>{_text(field.data)}</controlfield>\n"
    first, second = _attribute(field.indicator(1)), _attribute(field.indicator(2))
    # Text that stands where only indicators should ("CAT", "IMD" fields of some systems) is not lost.
    loose = [Subfield("?", field.indicators[2:])] if field.indicators[2:].strip() else []
    subfields = "".join(
        f"    <subfield code={_attribute(code or '?')}>{_text(value)}</subfield>\n"
        for code, value in (*loose, *field.subfields)
        if code or value
    )
    return f"  <datafield tag={tag} ind1={first} ind2={second}>\n{subfields}  </datafield>\n"


def _text(value: str) -> str:
    # A bare carriage return would be read back as a line feed.
    return escape(_NOT_XML.sub("\ufffd", value), {"\r": "&#13;"})


def _attribute(value: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", value))
