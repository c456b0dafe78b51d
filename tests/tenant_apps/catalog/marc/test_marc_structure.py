"""Leader and directory: read by the facts, not by the claims, and refused where the facts are ambiguous."""

import pytest

from tenant_apps.catalog.marc import RecordRejected, RejectCode, WarningCode
from tenant_apps.catalog.marc.structure import is_well_formed_tag, read_frame, write_frame

FIELDS = [("001", "x1"), ("245", "10$aA title /$cby B."), ("650", " 0$aDogs.")]
BYTES = [(tag, text.replace("$", "\x1f").encode()) for tag, text in FIELDS]


def codes(frame):
    return [code for code, _ in frame.remarks]


def refusal(data: bytes) -> RejectCode:
    with pytest.raises(RecordRejected) as caught:
        read_frame(data)
    return caught.value.code


def test_a_sound_record_is_cut_into_its_fields_without_remarks(marc):
    frame = read_frame(marc(FIELDS))
    assert frame.fields == BYTES
    assert frame.remarks == []
    assert frame.leader[5:12] == "nam a22"


def test_what_is_written_is_read_again():
    data = write_frame("00000cas  2200000 i 4500", BYTES)
    frame = read_frame(data)
    assert frame.fields == BYTES
    assert frame.leader == f"{len(data):05d}cas a2200061 i 4500"


def test_fields_may_lie_in_another_order_than_the_directory_names_them():
    first, second = b"10\x1faTitle\x1e", b" 0\x1faDogs.\x1e"
    directory = b"245%04d%05d650%04d00000" % (len(first), len(second), len(second))
    data = b"00000nam a2200049   4500" + directory + b"\x1e" + second + first + b"\x1d"
    frame = read_frame(b"%05d" % len(data) + data[5:])
    assert frame.fields == [("245", first[:-1]), ("650", second[:-1])]
    assert frame.remarks == []


def without_entry_650(whole: bytes) -> bytes:
    return whole[:48] + whole[60:]


def test_data_that_the_directory_does_not_name_is_left_out_with_a_remark(marc):
    """Some systems delete a field by taking its entry out of the directory, and write a sound leader."""
    data = without_entry_650(marc(FIELDS))
    frame = read_frame(b"%05d%b%05d%b" % (len(data), data[5:12], 49, data[17:]))
    assert frame.fields == BYTES[:2]
    assert codes(frame) == [WarningCode.UNREFERENCED_DATA]


def test_a_lost_directory_entry_is_no_deleted_field(marc):
    assert refusal(without_entry_650(marc(FIELDS))) is RejectCode.LENGTH_MISMATCH


def test_lengths_in_characters_instead_of_bytes_are_found_out(marc):
    """A common mistake of converters: the directory counts letters, the data are UTF-8."""
    fields = [("245", "10$aÉté à Genève /$cX."), ("650", " 0$aÎles.")]
    wrong_directory = b""
    position = 0
    for tag, text in fields:
        wrong_directory += f"{tag}{len(text) + 1:04d}{position:05d}".encode()
        position += len(text) + 1
    right = marc(fields)
    frame = read_frame(right[:24] + wrong_directory + right[24 + len(wrong_directory) :])
    assert [body.decode().replace("\x1f", "$") for _, body in frame.fields] == [text for _, text in fields]
    assert codes(frame) == [WarningCode.DIRECTORY_REBUILT]


def test_a_byte_lost_in_a_field_does_not_lose_the_record(marc):
    frame = read_frame(marc(FIELDS).replace(b"A title", b"A tile"))
    assert frame.fields[1][1] == b"10\x1faA tile /\x1fcby B."
    assert codes(frame) == [WarningCode.LENGTH_CORRECTED, WarningCode.DIRECTORY_REBUILT]


@pytest.mark.parametrize("declared", [0, 1, 99_999, 77])
def test_a_wrong_record_length_is_corrected(marc, declared):
    frame = read_frame(marc(FIELDS, length=declared))
    assert frame.fields == BYTES
    assert codes(frame) == [WarningCode.LENGTH_CORRECTED]


@pytest.mark.parametrize("base", [b"00000", b"99999", b"     ", b"00024"])
def test_a_wrong_base_address_is_corrected(marc, base):
    data = marc(FIELDS)
    frame = read_frame(data[:12] + base + data[17:])
    assert frame.fields == BYTES
    assert codes(frame) == [WarningCode.LEADER_CORRECTED]


def test_blank_counts_in_the_leader_are_corrected(marc):
    frame = read_frame(marc(FIELDS).replace(b"a22", b"a  ", 1))
    assert frame.fields == BYTES
    assert codes(frame) == [WarningCode.LEADER_CORRECTED]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda d: d[:-1], RejectCode.RECORD_TRUNCATED),
        (lambda d: b"", RejectCode.RECORD_TRUNCATED),
        (lambda d: b"\x1d", RejectCode.BAD_LEADER),
        (lambda d: b"hello world, this is not a record\x1d", RejectCode.BAD_LEADER),
        (lambda d: b"\x01" + d[1:], RejectCode.BAD_LEADER),
        (lambda d: d[:10] + b"32" + d[12:], RejectCode.NOT_MARC21),
        (lambda d: d[:24] + d[24:].replace(b"\x1e", b"-"), RejectCode.BAD_DIRECTORY),
        (lambda d: d[:30] + d[31:], RejectCode.BAD_DIRECTORY),
        (lambda d: d[:24] + b"\x1e\x1d", RejectCode.EMPTY_RECORD),
        (lambda d: d[:24] + b"\x80" + d[25:], RejectCode.BAD_DIRECTORY),
        (lambda d: d[:24] + b"245" + d[27:].replace(b"A title", b"A tite"), RejectCode.LENGTH_MISMATCH),
        (lambda d: d.replace(b" 0\x1faDogs.\x1e", b" 0\x1faDogs."), RejectCode.LENGTH_MISMATCH),
        (lambda d: d.replace(b" 0\x1faDogs.", b""), RejectCode.LENGTH_MISMATCH),
        (lambda d: d[:60] + d[60:].replace(b"A title", b"A \x1dtitle"), RejectCode.LENGTH_MISMATCH),
        (lambda d: d[:24] + b"2-5" + d[27:].replace(b"A title", b"A tite"), RejectCode.BAD_DIRECTORY),
        (lambda d: d[:-1] + b"A" * 100_000 + b"\x1d", RejectCode.RECORD_TOO_LONG),
    ],
)
def test_what_cannot_be_read_for_certain_is_refused(marc, change, code):
    assert refusal(change(marc(FIELDS))) is code


def test_content_is_never_given_to_the_wrong_tag(marc):
    """Entries swapped and lengths useless: the control field would get the title."""
    data = marc(FIELDS)
    swapped = data[:24] + b"245999900000" + b"001999900000" + data[48:]
    assert refusal(swapped) is RejectCode.LENGTH_MISMATCH


def test_two_entries_for_one_field_are_refused(marc):
    data = marc(FIELDS)
    twice = data[:24] + data[24:36] + data[24:36] + data[48:]
    assert refusal(twice) is RejectCode.LENGTH_MISMATCH


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ([("520", b"  \x1fa" + b"x" * 9_995)], RejectCode.FIELD_TOO_LONG),
        ([("520", b"  \x1fa" + b"x" * 9_000)] * 12, RejectCode.RECORD_TOO_LONG),
    ],
)
def test_what_iso_2709_cannot_hold_is_refused_when_writing(fields, code):
    with pytest.raises(RecordRejected) as caught:
        write_frame("0" * 24, fields)
    assert caught.value.code is code


def test_the_longest_field_fits():
    body = b"  \x1fa" + b"x" * 9_994
    assert read_frame(write_frame("00000nam a2200000   4500", [("520", body)])).fields == [("520", body)]


@pytest.mark.parametrize(
    ("tag", "sound"), [("245", True), ("CAT", True), ("9xx", True), ("2 4", False), ("24\n", False)]
)
def test_tags_are_three_letters_or_digits(tag, sound):
    assert is_well_formed_tag(tag) is sound
