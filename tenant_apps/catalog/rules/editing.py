"""Changes that a person makes to a title, written into its MARC record with every other field left as it
is.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from tenant_apps.catalog.marc import (
    ControlField,
    DataField,
    ParsedRecord,
    RawRecord,
    TitleDraft,
    build_record,
    parse_record,
)
from tenant_apps.catalog.marc.structure import write_frame

Field = ControlField | DataField

# Which fields say what a person can change. 008 is spliced, not replaced: it holds far more.
TAGS: dict[str, tuple[str, ...]] = {
    "title": ("245",),
    "subtitle": ("245",),
    "contributors": ("100", "110", "111", "700", "710", "711", "720"),
    "isbns": ("020",),
    "year": ("260", "264"),
    "publisher": ("260", "264"),
    "place": ("260", "264"),
    "language": ("041",),
    "edition": ("250",),
    "subjects": ("600", "610", "611", "630", "647", "648", "650", "651", "653", "655"),
    "summary": ("520",),
}
_YEAR, _LANGUAGE = slice(6, 15), slice(35, 38)  # MARC 21, field 008, all materials


def read_stored(marc: bytes) -> ParsedRecord:
    """A stored record. Raises RecordRejected only if the store was damaged."""
    return parse_record(RawRecord(number=1, offset=0, data=marc))


def edit_record(
    marc: bytes, draft: TitleDraft, changed: Collection[str], *, entered_on: date
) -> ParsedRecord:
    """The record with the attributes `changed` (names of TAGS) taken from `draft`.

    Raises RecordRejected and ValueError as build_record does.
    """
    old = read_stored(marc)
    new = read_stored(build_record(draft, entered_on=entered_on))
    replaced = {tag for name in changed for tag in TAGS[name]}
    kept = [_spliced(field, new, changed) for field in old.fields if field.tag not in replaced]
    for field in new.fields:
        if field.tag in replaced:
            kept.insert(_place(kept, field.tag), _with_old_parts(field, old))
    return read_stored(write_frame(old.leader, [(field.tag, _body(field)) for field in kept]))


def _place(fields: list[Field], tag: str) -> int:
    """Behind the last field whose tag is not greater, so that the record keeps its order."""
    return max((at + 1 for at, field in enumerate(fields) if field.tag <= tag), default=0)


def _with_old_parts(field: Field, old: ParsedRecord) -> Field:
    """Field 245 keeps what is neither title nor subtitle: part numbers, medium, statement of
    responsibility.
    """
    if field.tag != "245" or isinstance(field, ControlField):
        return field
    before = next(iter(old.index.data("245")), None)
    kept = tuple(part for part in before.subfields if part.code not in ("a", "b")) if before else ()
    return DataField("245", field.indicators, field.subfields + kept)


def _spliced(field: Field, new: ParsedRecord, changed: Collection[str]) -> Field:
    if field.tag != "008" or isinstance(field, DataField):
        return field
    other = new.index.control("008")
    text = field.data.ljust(len(other))
    for name, part in (("year", _YEAR), ("language", _LANGUAGE)):
        if name in changed:
            text = text[: part.start] + other[part] + text[part.stop :]
    return ControlField("008", text)


def _body(field: Field) -> bytes:
    if isinstance(field, ControlField):
        return field.data.encode()
    return (field.indicators + "".join(f"\x1f{code}{value}" for code, value in field.subfields)).encode()
