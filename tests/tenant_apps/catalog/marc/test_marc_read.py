"""The outcome of every item of a file, and the line that a rejected one gets in the report."""

import io

import pytest

from tenant_apps.catalog.marc import (
    ParsedRecord,
    RawRecord,
    RejectCode,
    RejectedRecord,
    read_item,
    read_records,
    reject,
)
from tenant_apps.catalog.marc.read import MAX_GUESS_LENGTH, guess_title


def outcomes(data: bytes) -> list[ParsedRecord | RejectedRecord]:
    return list(read_records(io.BytesIO(data)))


def test_bad_records_are_reported_one_by_one_and_the_good_ones_kept(marc, good):
    no_title = marc([("001", "x9")])
    authority = marc([("100", "1 $aOrwell, George")], "00000nz  a2200000n  4500")
    found = outcomes(good + no_title + good + authority + good[:40])
    assert [getattr(item, "code", "kept") for item in found] == [
        "kept",
        RejectCode.NO_TITLE,
        "kept",
        RejectCode.AUTHORITY_RECORD,
        RejectCode.RECORD_TRUNCATED,
    ]
    assert [item.number for item in found] == [1, 2, 3, 4, 5]
    assert [item.offset for item in found[:3]] == [0, len(good), len(good) + len(no_title)]
    assert (found[1].length, found[3].title) == (len(no_title), "Orwell, George")


@pytest.mark.parametrize("data", [b"", b"no records here", b"\x1d\x1d", b"<xml/>"])
def test_a_file_without_a_readable_record_yields_none(data):
    assert not any(isinstance(item, ParsedRecord) for item in outcomes(data))


def test_a_caller_may_refuse_an_item_in_the_same_words(good):
    raw = RawRecord(3, 99, good)
    assert isinstance(read_item(raw), ParsedRecord)
    line = reject(raw, RejectCode.NO_TITLE, "no quota")
    assert line == RejectedRecord(3, 99, len(good), RejectCode.NO_TITLE, "no quota", "Étude /")


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ([("001", "x"), ("245", "10$aThe title /$cB.")], "The title /"),
        ([("040", "  $aDLC"), ("100", "1 $aOrwell"), ("245", "10$aAnimal farm")], "Animal farm"),
        ([("040", "  $aDLC"), ("200", "1 $aTitolo")], "Titolo"),
        ([("040", "  $aDLC"), ("151", "  $aRome (Italy)")], "Rome (Italy)"),
        ([("500", "  $aA note")], "A note"),
        ([("001", "x")], ""),
        ([("245", b"10\x1faCaf\xe9\x00 noir")], "Caf\ufffd noir"),
        ([("245", "10$a" + "x" * 700)], "x" * MAX_GUESS_LENGTH),
    ],
)
def test_a_rejected_record_is_known_by_its_heading(marc, fields, title):
    assert guess_title(marc(fields)) == title


@pytest.mark.parametrize("data", [b"", b"\x1d", b"\x1e" * 50, b"\x1f" * 50, bytes(range(256)) * 8])
def test_guessing_copes_with_anything(data):
    assert len(guess_title(data)) <= MAX_GUESS_LENGTH
