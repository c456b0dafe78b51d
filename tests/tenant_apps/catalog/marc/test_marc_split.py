"""The file is cut at the terminators; nothing is lost and nothing is counted twice."""

import io
import tracemalloc

import pytest

from tenant_apps.catalog.marc import RawRecord, RejectCode, RejectedRun, split_records
from tenant_apps.catalog.marc.split import FILLER, READ_SIZE


def items(data: bytes) -> list[RawRecord | RejectedRun]:
    return list(split_records(io.BytesIO(data)))


def length(item: RawRecord | RejectedRun) -> int:
    return len(item.data) if isinstance(item, RawRecord) else item.length


def assert_accounted(data: bytes) -> None:
    """Items follow each other in the file, and between them is only filler."""
    position = 0
    for number, item in enumerate(items(data), 1):
        assert item.number == number
        assert data[position : item.offset].removeprefix(b"\xef\xbb\xbf").strip(FILLER) == b""
        position = item.offset + length(item)
    assert data[position:].strip(FILLER) == b""


def test_three_records_come_with_number_offset_and_their_bytes(good):
    found = items(good * 3)
    assert found == [RawRecord(n + 1, n * len(good), good) for n in range(3)]


@pytest.mark.parametrize("filler", [b"\n", b"\r\n", b"  ", b"\x1a", b"\x00\x00", b"\t\n \r\n"])
def test_filler_around_records_is_passed_over_and_offsets_stay_true(good, filler):
    data = filler + good + filler + good + filler
    found = items(data)
    assert [item.data for item in found] == [good, good]
    assert [data[item.offset : item.offset + len(good)] for item in found] == [good, good]


def test_byte_order_mark_is_passed_over_only_at_the_start(good):
    assert items(b"\xef\xbb\xbf" + good) == [RawRecord(1, 3, good)]
    second = items(good + b"\xef\xbb\xbf" + good)[1:]
    assert [type(item) for item in second] == [RejectedRun, RawRecord]
    assert second[1].data == good


@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\x1a"])
def test_a_file_of_nothing_has_no_items(data):
    assert items(data) == []


def test_a_cut_last_record_is_reported_and_the_others_are_kept(good):
    found = items(good + good[:-10])
    assert found[0] == RawRecord(1, 0, good)
    assert isinstance(found[1], RejectedRun)
    assert (found[1].number, found[1].offset, found[1].length) == (2, len(good), len(good) - 10)
    assert found[1].code is RejectCode.RECORD_TRUNCATED


def test_a_last_record_without_its_terminator_is_cut_too(good):
    found = items(good[:-1] + b"\n")
    assert [item.code for item in found] == [RejectCode.RECORD_TRUNCATED]
    assert found[0].length == len(good) - 1


@pytest.mark.parametrize("declared", [b"00000", b"99999", b"00024", b"abcde"])
def test_a_wrong_length_does_not_swallow_the_next_record(good, declared):
    wrong = declared + good[5:]
    assert [item.data for item in items(wrong + good + good)] == [wrong, good, good]


def test_a_good_record_glued_to_a_cut_one_is_found(good):
    cut = good[: len(good) // 2]
    found = items(good + cut + good + good)
    assert [type(item) for item in found] == [RawRecord, RejectedRun, RawRecord, RawRecord]
    assert (found[1].offset, found[1].length, found[1].code) == (
        len(good),
        len(cut),
        RejectCode.RECORD_TRUNCATED,
    )
    assert (found[2].offset, found[2].data) == (len(good) + len(cut), good)


def test_a_good_record_behind_a_line_of_text_is_found(good):
    found = items(b"Exported by Foo 1.0\n" + good)
    assert [type(item) for item in found] == [RejectedRun, RawRecord]
    assert found[0].code is RejectCode.BAD_LEADER
    assert found[1].data == good


@pytest.mark.parametrize("size", [100_000, 150_000, 1_000_000, 3_000_000])
def test_a_run_too_long_for_a_record_is_one_item_and_the_rest_is_kept(good, size):
    run = b"A" * (size - 1) + b"\x1d"
    data = good + run + good
    found = items(data)
    assert [type(item) for item in found] == [RawRecord, RejectedRun, RawRecord]
    assert (found[1].code, found[1].offset, found[1].length) == (RejectCode.RECORD_TOO_LONG, len(good), size)
    assert found[2].data == good
    assert_accounted(data)


@pytest.mark.parametrize("size", [100_000, 1_000_000])
def test_a_good_record_glued_to_a_run_too_long_is_found(good, size):
    data = good[:50] + b"A" * size + good + good
    found = items(data)
    assert [type(item) for item in found] == [RejectedRun, RawRecord, RawRecord]
    assert (found[0].length, found[0].code) == (size + 50, RejectCode.RECORD_TRUNCATED)
    assert [item.data for item in found[1:]] == [good, good]
    assert_accounted(data)


def test_a_long_end_without_terminator_is_one_item(good):
    data = good + b"B" * 700_000 + b"\n"
    found = items(data)
    assert (found[1].code, found[1].length) == (RejectCode.RECORD_TRUNCATED, 700_000)
    assert found[1].head == b"B" * 2_000


def test_records_are_found_across_the_borders_of_blocks(good):
    count = 3 * READ_SIZE // len(good)
    found = items(good * count)
    assert len(found) == count
    assert all(item.data == good for item in found)


class Trickle(io.RawIOBase):
    """A stream that gives a few bytes at a time, as sockets and decompressors do."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, size: int = -1) -> bytes:
        part, self.data = self.data[:7], self.data[7:]
        return part


def test_short_reads_make_no_difference(good):
    data = good + good[:40] + good + b"\n" + good[:-1]
    assert list(split_records(Trickle(data))) == items(data)


class Endless(io.RawIOBase):
    """20 MB without a terminator, made as it is read."""

    left = 20_000_000

    def read(self, size: int = -1) -> bytes:
        part = min(size, self.left)
        self.left -= part
        return b"x" * part


def test_memory_stays_bounded_without_a_terminator():
    tracemalloc.start()
    found = list(split_records(Endless()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [item.length for item in found] == [20_000_000]
    assert peak < 3_000_000


def test_two_terminators_in_a_row_are_an_item_of_one_byte(good):
    found = items(good + b"\x1d" + good)
    assert [item.data for item in found] == [good, b"\x1d", good]


def test_the_accounting_holds_for_a_mixed_file(good):
    assert_accounted(b"\xef\xbb\xbf\n" + good + b"\n\nnoise" + good[:30] + good + b"\x1d\x1d\x00" + good[:-3])


def test_the_hash_is_that_of_the_bytes_in_the_file(good):
    (item,) = items(good)
    assert item.original_hash == "".join(
        f"{byte:02x}" for byte in __import__("hashlib").sha256(good).digest()
    )
