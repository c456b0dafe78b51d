"""One record: kept exactly, or refused with a code and a place."""

# ruff: noqa: RUF001 - text in other scripts is what is tested

import hashlib

import pytest

from tenant_apps.catalog.marc import (
    ControlField,
    DataField,
    RawRecord,
    RecordRejected,
    RejectCode,
    Subfield,
    WarningCode,
    parse_record,
)
from tenant_apps.catalog.marc.parse import MAX_REMARKS

TITLE = ("245", "10$aA title /$cby B.")
MARC8 = "00000nam  2200000   4500"
UTF8 = "00000nam a2200000   4500"


def refuse(data: bytes) -> RecordRejected:
    with pytest.raises(RecordRejected) as caught:
        parse_record(RawRecord(1, 0, data))
    return caught.value


def warnings(parsed) -> list[WarningCode]:
    return [code for code, _ in parsed.warnings]


def test_every_field_indicator_and_subfield_is_kept_in_order(marc, read):
    parsed = read(marc([("001", "x1"), TITLE, ("650", " 0$aDogs$zItaly$xHistory$zItaly"), ("001", "x2")]))
    assert parsed.fields == (
        ControlField("001", "x1"),
        DataField("245", "10", (Subfield("a", "A title /"), Subfield("c", "by B."))),
        DataField(
            "650",
            " 0",
            (Subfield("a", "Dogs"), Subfield("z", "Italy"), Subfield("x", "History"), Subfield("z", "Italy")),
        ),
        ControlField("001", "x2"),
    )
    assert parsed.warnings == ()


def test_place_and_hashes_come_along(marc):
    data = marc([TITLE])
    parsed = parse_record(RawRecord(7, 1234, data))
    assert (parsed.number, parsed.offset) == (7, 1234)
    assert parsed.original_hash == hashlib.sha256(data).hexdigest()
    assert parsed.fields_hash == hashlib.sha256(parsed.marc).hexdigest()


def test_a_sound_utf8_record_is_its_own_canonical_form(marc, read):
    data = marc([("001", "x1"), ("245", "10$aÉtude e\u0301 人 🙂 /$cB.")])
    assert read(data).marc == data


def test_the_canonical_form_of_a_marc8_record_is_utf8(marc, read):
    parsed = read(marc([("245", b"10\x1fa\xe2Etude\x1fb\x1b(2ylg\x1b(B")], MARC8))
    assert parsed.leader[9] == "a"
    assert parsed.fields == (DataField("245", "10", (Subfield("a", "Étude"), Subfield("b", "שלח"))),)
    again = read(parsed.marc)
    assert (again.fields, again.marc, again.warnings) == (parsed.fields, parsed.marc, ())


def test_character_sets_go_back_to_their_defaults_at_each_subfield(marc, read):
    parsed = read(marc([("245", b"10\x1fa\x1b(2ylg\x1fbylg")], MARC8))
    assert parsed.fields[0].subfields == (Subfield("a", "שלח"), Subfield("b", "ylg"))


@pytest.mark.parametrize("coding", [" ", "x", "0"])
def test_utf8_behind_another_leader_is_read_as_utf8_with_a_remark(marc, read, coding):
    parsed = read(marc([("245", "10$aПравда /$cB.")], UTF8[:9] + coding + UTF8[10:]))
    assert parsed.fields[0].first("a") == "Правда /"
    assert WarningCode.UTF8_DESPITE_LEADER in warnings(parsed)
    assert (WarningCode.UNKNOWN_ENCODING in warnings(parsed)) is (coding != " ")
    assert parsed.leader[9] == "a"


def test_plain_ascii_needs_no_remark_whatever_the_leader_says(marc, read):
    assert read(marc([TITLE], MARC8)).warnings == ()


@pytest.mark.parametrize(
    ("leader", "content", "detail"),
    [
        (UTF8, b"10\x1faCaf\xe9", "field 245, byte 7: 0xE9 is not valid UTF-8"),
        (UTF8, b"10\x1fa\xed\xa0\x80", "field 245, byte 4: 0xED is not valid UTF-8"),  # lone surrogate
        (UTF8, b"10\x1fa\xc0\xaf", "field 245, byte 4: 0xC0 is not valid UTF-8"),  # overlong
        (UTF8, b"10\x1fa\xf4\x90\x80\x80", "field 245, byte 4: 0xF4 is not valid UTF-8"),  # beyond Unicode
        (MARC8, b"10\x1faCaf\xe9", "field 245, byte 7: combining mark without a letter"),
        (MARC8, b"10\x1fbx\x1faA\xffB", "field 245, byte 8: 0xFF is not in character set 'E'"),
        (MARC8, b"10\x1faA\x1bQB", "field 245, byte 5: unknown escape sequence"),
        (MARC8, b"10\x1f\xe2ab", "field 245, byte 3: 0xE2 as subfield code"),
        (MARC8, b"10\x1f\x1b(2ab", "field 245, byte 3: 0x1B as subfield code"),
    ],
)
def test_undecodable_text_is_refused_with_its_place_and_never_replaced(marc, leader, content, detail):
    refusal = refuse(marc([("001", "x1"), ("245", content)], leader))
    assert (refusal.code, refusal.detail) == (RejectCode.UNDECODABLE_TEXT, detail)


def test_the_place_is_that_in_the_right_field(marc):
    refusal = refuse(marc([("001", "x1"), TITLE, ("500", b"  \x1faok \xff"), ("520", "  $aok")]))
    assert refusal.detail == "field 500, byte 7: 0xFF is not valid UTF-8"


@pytest.mark.parametrize("leader", [UTF8, MARC8])
def test_nul_is_refused(marc, leader):
    refusal = refuse(marc([("245", b"10\x1faA\x00B")], leader))
    assert (refusal.code, refusal.detail) == (RejectCode.CONTROL_CHARACTERS, "field 245, byte 5")


def test_other_control_characters_are_kept_with_a_remark(marc, read):
    parsed = read(marc([TITLE, ("500", b"  \x1faone\x12two\x07"), ("520", "  $atab\tand\nline")]))
    assert parsed.fields[1].first("a") == "one\x12two\x07"
    assert parsed.warnings == ((WarningCode.CONTROL_CHARACTERS, "field 500"),)
    assert read(parsed.marc).fields == parsed.fields


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("z", RejectCode.AUTHORITY_RECORD),
        ("x", RejectCode.HOLDINGS_RECORD),
        ("y", RejectCode.HOLDINGS_RECORD),
        ("u", RejectCode.HOLDINGS_RECORD),
        ("v", RejectCode.HOLDINGS_RECORD),
        ("w", RejectCode.CLASSIFICATION_RECORD),
        ("q", RejectCode.COMMUNITY_RECORD),
    ],
)
def test_records_that_are_no_titles_are_refused_by_their_kind(marc, kind, code):
    assert refuse(marc([TITLE], UTF8[:6] + kind + UTF8[7:])).code is code


@pytest.mark.parametrize("kind", "acdefgijkmoprt b?")
def test_every_other_kind_is_taken_even_an_unknown_one(marc, read, kind):
    assert read(marc([TITLE], UTF8[:6] + kind + UTF8[7:])).leader[6] == kind


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ([("001", "x1")], "no field 245"),
        ([("245", "10$a /$c")], "field 245 is empty"),
        ([("245", "10$cby B.")], "field 245 is empty"),
        ([("245", "10")], "field 245 is empty"),
        ([("245", "10$h[microform]$a[ ]")], "field 245 is empty"),
        ([("246", "10$aOnly a variant")], "no field 245"),
    ],
)
def test_a_record_without_a_title_is_refused(marc, fields, detail):
    refusal = refuse(marc(fields))
    assert (refusal.code, refusal.detail) == (RejectCode.NO_TITLE, detail)


def test_a_second_245_serves_when_the_first_is_empty(marc, read):
    assert read(marc([("245", "10$a"), TITLE])).fields[1].first("a") == "A title /"


@pytest.mark.parametrize("tag", ["2 4", "24 ", "2-5"])
def test_a_damaged_title_tag_keeps_the_record_with_a_remark(marc, read, tag):
    parsed = read(marc([("001", "x1"), (tag, " 10$aMaster plan")]))
    assert parsed.fields[1].tag == tag
    assert set(warnings(parsed)) == {
        WarningCode.TAG_MALFORMED,
        WarningCode.INDICATORS_MALFORMED,
        WarningCode.TITLE_TAG_DAMAGED,
    }


def test_two_damaged_title_tags_are_not_guessed_between(marc):
    assert refuse(marc([("2 4", "10$aOne"), ("24 ", "10$aTwo")])).code is RejectCode.NO_TITLE


def test_a_title_behind_a_damaged_subfield_code_is_kept(marc, read):
    parsed = read(marc([("245", "10$áActivePerl /$cT. M.")]))
    assert parsed.fields[0].subfields[0] == Subfield("á", "ActivePerl /")
    assert warnings(parsed) == [WarningCode.SUBFIELD_CODE_MALFORMED]


def test_unimarc_is_known_by_its_title_field(marc):
    refusal = refuse(marc([("001", "x1"), ("200", "1 $aL'altra faccia$fI. Asimov")]))
    assert refusal.code is RejectCode.NOT_MARC21


def test_a_marc21_record_with_a_field_200_is_no_unimarc(marc, read):
    assert len(read(marc([("200", "1 $alocal"), TITLE])).fields) == 2


@pytest.mark.parametrize(
    ("content", "indicators", "code"),
    [
        ("$aNo indicators", "", WarningCode.INDICATORS_MALFORMED),
        ("1$aOne indicator", "1", WarningCode.INDICATORS_MALFORMED),
        ("   $aThree", "   ", WarningCode.INDICATORS_MALFORMED),
        ("just text", "just text", WarningCode.INDICATORS_MALFORMED),
        ("", "", WarningCode.INDICATORS_MALFORMED),
        ("##$aSigns", "##", None),
        ("  $ aBlank code", "  ", WarningCode.SUBFIELD_CODE_MALFORMED),
        ("  $\ufffdbReplaced", "  ", WarningCode.SUBFIELD_CODE_MALFORMED),
        ("  $=26217", "  ", None),
        ("  $a$b", "  ", None),
        ("  $$aDouble delimiter", "  ", WarningCode.EMPTY_SUBFIELD),
        ("  $aAt the end$", "  ", WarningCode.EMPTY_SUBFIELD),
    ],
)
def test_oddly_made_fields_are_kept_as_they_are(marc, read, content, indicators, code):
    data = marc([TITLE, ("500", content)])
    parsed = read(data)
    assert parsed.fields[1].indicators == indicators
    assert parsed.marc == data
    assert parsed.warnings == (((code, "field 500"),) if code else ())


def test_an_empty_subfield_keeps_its_place(marc, read):
    parsed = read(marc([TITLE, ("500", "  $$aText$")]))
    assert parsed.fields[1].subfields == (Subfield("", ""), Subfield("a", "Text"), Subfield("", ""))


def test_remarks_are_told_once_each_and_not_without_end(marc, read):
    twice = read(marc([TITLE, ("500", "1$ax"), ("500", "1$ay")]))
    assert twice.warnings == ((WarningCode.INDICATORS_MALFORMED, "field 500"),)
    many = read(marc([TITLE, *((f"9{n:02d}", "1$ax") for n in range(100))]))
    assert len(many.warnings) == MAX_REMARKS


def test_a_record_that_grows_too_long_in_utf8_is_refused(marc):
    note = b"  \x1fa" + b"\xe2e" * 4_700  # each letter with its mark is two bytes in MARC-8 and in UTF-8
    assert parse_record(RawRecord(1, 0, marc([TITLE, ("500", note)], MARC8)))
    note = b"  \x1fa" + b"\xa1" * 9_000  # one byte in MARC-8, two in UTF-8
    refusal = refuse(marc([TITLE, ("500", note)], MARC8))
    assert refusal.code is RejectCode.FIELD_TOO_LONG
    fields = [TITLE, *[("500", b"  \x1fa" + b"\xa1" * 4_900)] * 11]
    assert refuse(marc(fields, MARC8)).code is RejectCode.RECORD_TOO_LONG


def test_fields_are_found_by_tag(marc, read):
    index = read(
        marc([("001", "x1"), TITLE, ("650", " 0$aDogs"), ("650", " 0$aCats"), ("500", "  $aN")])
    ).index
    assert index.control("001") == "x1"
    assert index.control("003") == ""
    assert [field.first("a") for field in index.data("500", "650")] == ["N", "Dogs", "Cats"]
    assert index.data("651") == []
    assert list(index.tags()) == ["245", "650", "500"]


def test_a_data_field_answers_for_its_subfields():
    field = DataField(
        "650", "1", (Subfield("a", "x"), Subfield("b", "y"), Subfield("a", "z"), Subfield("", ""))
    )
    assert (field.first("a"), field.first("q")) == ("x", "")
    assert field.values("ab") == ["x", "y", "z"]
    assert (field.indicator(1), field.indicator(2)) == ("1", " ")
