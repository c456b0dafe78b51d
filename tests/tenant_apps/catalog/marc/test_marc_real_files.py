"""Real files of real libraries: true counts, the same fields as pymarc reads, and every rejection accounted for."""

import functools
import io
import unicodedata
import warnings
from collections import Counter
from pathlib import Path

import pymarc
import pytest

from tenant_apps.catalog.marc import (
    ControlField,
    Format,
    ParsedRecord,
    RawRecord,
    RejectedRecord,
    TitleFacts,
    WarningCode,
    extract,
    parse_record,
    read_records,
    sniff,
    split_records,
    to_marcxml,
)

pytestmark = pytest.mark.deep

# name: what the file is, records kept, records refused by code, remarks on the kept ones by code
TRUTH = {
    "bad_hathi.mrc": (Format.MARC21, 4, {"record_too_long": 1}, {}),
    # The folder's README speaks of undecodable bytes: the leaders claim MARC-8, but all of it is UTF-8.
    "eg_FSL.mrc": (Format.MARC21, 52, {}, {"utf8_despite_leader": 52}),
    "eg_auth-1066.mrc": (Format.MARC21, 0, {"authority_record": 1066}, {}),
    "eg_concerto_enhanced.mrc": (Format.MARC21, 344, {}, {}),
    # One record has byte 0x7F in Hebrew text: no character there, so no guess.
    "eg_hebrew.mrc": (Format.MARC21, 19, {"undecodable_text": 1}, {}),
    "eg_nepali.mrc": (Format.MARC21, 96, {}, {"indicators_malformed": 1}),
    "lc_marcedit_sample.mrc": (
        Format.MARC21,
        536,
        {},
        {"tag_malformed": 1, "indicators_malformed": 1, "title_tag_damaged": 1, "control_characters": 1},
    ),
    "nlnz_1000.mrc": (Format.MARC21, 1001, {}, {"subfield_code_malformed": 2}),
    "solrmarc_spec.mrc": (Format.MARC21, 76, {}, {}),
    "uni_serial.bnr.1993.mrc": (Format.UNIMARC, 0, {"not_marc21": 11}, {}),
    "uni_short.bnr.1993.mrc": (Format.UNIMARC, 0, {"not_marc21": 10}, {}),
    "uni_short.firenze.1977.mrc": (Format.MARC21, 10, {}, {}),  # MARC 21 in spite of its name
    "unimarc_pymarc.mrc": (Format.UNIMARC, 0, {"not_marc21": 1}, {}),
    "uva_2000.mrc": (Format.MARC21, 2000, {}, {}),
}


@pytest.fixture(scope="session")
def marc_folder(test_data: Path) -> Path:
    folder = test_data / "marc"
    if not folder.is_dir():
        pytest.skip(f"no MARC files at {folder}")
    return folder


@pytest.fixture(params=sorted(TRUTH))
def file(request: pytest.FixtureRequest, marc_folder: Path) -> Path:
    return marc_folder / request.param


@functools.cache
def outcomes(path: Path) -> list[ParsedRecord | RejectedRecord]:
    """Every file is read once for all tests."""
    with path.open("rb") as stream:
        return list(read_records(stream))


@functools.cache
def records(path: Path) -> list[ParsedRecord]:
    return [item for item in outcomes(path) if isinstance(item, ParsedRecord)]


@functools.cache
def facts_in(path: Path) -> list[TitleFacts]:
    return [extract(record) for record in records(path)]


def test_no_file_is_without_its_truth(marc_folder):
    assert {path.name for path in marc_folder.glob("*.mrc")} == set(TRUTH)


def test_true_counts(file):
    kind, kept, refused, remarks = TRUTH[file.name]
    found = outcomes(file)
    assert len(records(file)) == kept
    assert Counter(item.code.value for item in found if not isinstance(item, ParsedRecord)) == refused
    assert Counter(code.value for record in records(file) for code, _ in record.warnings) == remarks
    assert len(found) == kept + sum(refused.values())
    assert sniff(file.read_bytes()[:100_000]) is kind


def test_every_byte_is_in_one_item(file):
    data = file.read_bytes()
    with file.open("rb") as stream:
        total = sum(
            len(item.data) if isinstance(item, RawRecord) else item.length for item in split_records(stream)
        )
    assert total == len(data.rstrip(b"\n"))


def test_the_number_of_records_is_the_same_as_pymarc_counts(marc_folder):
    for name, (_, kept, refused, _) in TRUTH.items():
        with (marc_folder / name).open("rb") as stream:
            count = sum(1 for _ in pymarc.MARCReader(stream, to_unicode=False))
        # pymarc stops at the record of bad_hathi whose length does not fit, and takes a line end for a record.
        expected = {"bad_hathi.mrc": 4, "unimarc_pymarc.mrc": 2}.get(name, kept + sum(refused.values()))
        assert count == expected, name


def by_pymarc(raw: bytes) -> pymarc.Record:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pymarc warns of subfield codes beyond ASCII
        return pymarc.Record(
            raw, to_unicode=True, force_utf8=raw[9:10] != b"a" and _is_utf8(raw), hide_utf8_warnings=True
        )


def _is_utf8(raw: bytes) -> bool:
    try:
        return b"\x1b" not in raw and bool(raw.decode())
    except UnicodeDecodeError:
        return False


def test_every_field_is_the_same_as_pymarc_reads(file):
    """pymarc drops third indicators and empty subfields without a code; apart from these, field by field."""
    data = file.read_bytes()
    for parsed in records(file):
        theirs = by_pymarc(data[parsed.offset : data.index(b"\x1d", parsed.offset) + 1])
        assert len(parsed.fields) == len(theirs.fields)
        for ours, field in zip(parsed.fields, theirs.fields, strict=True):
            assert ours.tag == field.tag
            if isinstance(ours, ControlField):
                assert ours.data == field.data
            else:
                assert ours.indicators[:2] == "".join(field.indicators)
                assert [tuple(part) for part in ours.subfields if part.code] == list(
                    map(tuple, field.subfields)
                )


def test_the_canonical_form_is_read_again_to_the_same_record(file):
    for record in records(file):
        again = parse_record(RawRecord(1, 0, record.marc))
        assert (again.fields, again.marc, again.fields_hash) == (
            record.fields,
            record.marc,
            record.fields_hash,
        )


SAMPLE = ("eg_hebrew.mrc", "eg_nepali.mrc", "lc_marcedit_sample.mrc", "solrmarc_spec.mrc")


@pytest.mark.parametrize("name", SAMPLE)
def test_what_we_write_is_read_by_pymarc(marc_folder, name):
    for record in records(marc_folder / name):
        (iso2709,) = pymarc.MARCReader(io.BytesIO(record.marc))
        assert [field.tag for field in iso2709.fields] == [field.tag for field in record.fields]
        assert iso2709.leader[9] == "a"
        (xml,) = pymarc.parse_xml_to_array(io.BytesIO(to_marcxml(record.marc)), strict=True)
        assert len(xml.fields) == len(record.fields)


# Records that have each fact. Of those without, every ninth was looked at: no year where the date is "199u" or
# "n.d.", no publisher where the record has no 260 $b or "s.n."; fewer than here is a reading that broke.
COVERAGE = {
    "nlnz_1000.mrc": {
        "year": 955,
        "language": 995,
        "contributors": 978,
        "subjects": 929,
        "publisher": 990,
        "place": 994,
        "isbns": 274,
    },
    "uva_2000.mrc": {
        "year": 1995,
        "language": 1999,
        "contributors": 1955,
        "subjects": 1774,
        "publisher": 1890,
        "place": 1953,
        "isbns": 1139,
    },
}


@pytest.mark.parametrize("name", sorted(COVERAGE))
def test_records_have_the_facts_that_readers_look_for(marc_folder, name):
    found = facts_in(marc_folder / name)
    assert {fact: sum(bool(getattr(item, fact)) for item in found) for fact in COVERAGE[name]} == COVERAGE[
        name
    ]


def test_every_text_taken_out_is_composed_and_without_loose_punctuation(file):
    for found in facts_in(file):
        assert found.title
        assert found.sort_title
        for text in (
            found.title,
            found.subtitle,
            found.publisher,
            *(item.name for item in found.contributors),
        ):
            assert unicodedata.is_normalized("NFC", text)
            assert text == text.strip(" /:;=,")


def test_a_hebrew_title_has_both_scripts(marc_folder):
    found = facts_in(marc_folder / "eg_hebrew.mrc")[3]
    assert found.title == "Zeriḥat ha-shani"
    assert found.original_titles[0].startswith("זריחת השני: ")
    assert (found.language, found.year, found.publisher) == ("heb", 1972, "Hekhal Shelomoh")


def test_the_record_with_the_damaged_title_tag_keeps_its_title(marc_folder):
    file = marc_folder / "lc_marcedit_sample.mrc"
    (record,) = [item for item in records(file) if WarningCode.TITLE_TAG_DAMAGED in dict(item.warnings)]
    found = extract(record)
    assert found.title == "McGregor Smith Scout Reservation Master Plan"
    assert found.contributors[0].name == "Schofield, Erik"
