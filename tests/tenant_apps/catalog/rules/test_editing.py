"""Changing a title leaves every other field of its record as it was."""

from __future__ import annotations

from typing import Any

import pymarc
import pytest

from tenant_apps.catalog.marc import DraftContributor, RecordRejected, extract
from tenant_apps.catalog.marc.structure import write_frame
from tenant_apps.catalog.rules.editing import TAGS, edit_record, read_stored
from tests.tenant_apps.catalog.records import NOW, draft, marc

RECORD = write_frame(
    "00000nam a2200000 i 4500",
    [
        ("001", b"n1"),
        ("003", b"IT-FI"),
        ("008", b"150101s1815    xxka   |||||||||||||| ||eng d"),
        ("020", b"  \x1fa9780141439587\x1fq(paperback)"),
        ("100", b"1 \x1faAusten, Jane,\x1fd1775-1817"),
        ("245", b"10\x1faEmma :\x1fba novel /\x1fcby Jane Austen"),
        ("260", b"  \x1faLondon :\x1fbMurray,\x1fc1815"),
        ("500", b"  \x1faA note that nobody may lose"),
        ("650", b" 0\x1faMatchmaking\x1fvFiction"),
        ("852", b"  \x1faHome\x1fbShelf 3"),
        ("999", b"ff\x1fxlocal"),
    ],
)


def edited(**changes: Any) -> pymarc.Record:
    return pymarc.Record(data=edited_bytes(**changes), to_unicode=True, force_utf8=True)


def edited_bytes(**changes: Any) -> bytes:
    title = {"title": "Emma", **changes}
    names = title.pop("contributors", ())
    made = draft(**title, by=[name.name for name in names])
    return edit_record(RECORD, made, changes.keys(), entered_on=NOW.date()).marc


def others(record: pymarc.Record, *tags: str) -> list[str]:
    return [str(field) for field in record.fields if field.tag not in tags]


ORIGINAL = pymarc.Record(data=RECORD, to_unicode=True, force_utf8=True)


@pytest.mark.parametrize(
    ("changes", "tags"),
    [
        ({"title": "Emma (revised)"}, ["245"]),
        ({"isbns": ["9780140430103"]}, ["020"]),
        ({"contributors": [DraftContributor("Doyle, Roddy")]}, ["100", "700"]),
        ({"subjects": ["Villages", "Marriage"]}, ["650"]),
        ({"publisher": "Penguin", "place": "London", "year": 2003}, ["008", "260", "264"]),
        ({"language": "ita"}, ["008", "041"]),
        ({"edition": "2nd"}, ["250"]),
        ({"summary": "Rich and clever"}, ["520"]),
    ],
)
def test_only_the_fields_of_what_changed_change(changes: dict[str, Any], tags: list[str]) -> None:
    record = edited(**changes)
    assert others(record, *tags) == others(ORIGINAL, *tags)
    assert [str(f) for f in record.get_fields(*tags)] != [str(f) for f in ORIGINAL.get_fields(*tags)]


def test_the_facts_are_those_asked_for() -> None:
    facts = extract(read_stored(edited_bytes(title="Persuasion", subtitle="", subjects=["Bath (England)"])))
    assert (facts.title, facts.subtitle) == ("Persuasion", "")
    assert facts.statement_of_responsibility == "by Jane Austen"
    assert [subject.heading for subject in facts.subjects] == ["Bath (England)"]
    assert facts.contributors[0].name == "Austen, Jane"


def test_year_and_language_stand_in_the_coded_field_too() -> None:
    before, after = ORIGINAL["008"].data, edited(year=1900, language="ita")["008"].data
    assert after[7:11] == "1900"
    assert after[35:38] == "ita"
    assert after[15:35] == before[15:35]
    assert after[:6] == before[:6], "the day of entry is that of the record"


def test_the_record_keeps_the_order_of_its_tags() -> None:
    tags = [field.tag for field in edited(edition="2nd", summary="Short", isbns=[]).fields]
    assert tags == sorted(tags)


def test_nothing_changed_gives_the_same_record() -> None:
    assert edit_record(RECORD, draft("x"), [], entered_on=NOW.date()).marc == read_stored(RECORD).marc


def test_a_title_of_nothing_is_refused() -> None:
    with pytest.raises(RecordRejected):
        edited(title=" ")


def test_every_change_names_its_tags() -> None:
    assert all(tags for tags in TAGS.values())
    assert read_stored(marc()).index.data("245")
