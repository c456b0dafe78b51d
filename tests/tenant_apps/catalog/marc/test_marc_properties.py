"""Whatever the bytes are: nothing but RecordRejected is raised, nothing is lost, what is kept is kept exactly."""

import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenant_apps.catalog.marc import (
    ControlField,
    DataField,
    ParsedRecord,
    RawRecord,
    RecordRejected,
    extract,
    parse_record,
    read_records,
    sniff,
    split_records,
    to_marcxml,
)
from tenant_apps.catalog.marc.split import FILLER

DELIMITERS = "\x1d\x1e\x1f"
VALUES = st.text(
    st.characters(exclude_characters=DELIMITERS + "\x00", exclude_categories=("Cs",)), max_size=40
)
CODES = st.sampled_from("abcxyz0689")
TAGS = st.sampled_from(["010", "020", "100", "260", "500", "650", "700", "856", "880", "9AB", "CAT"])
CONTROL = st.tuples(st.sampled_from(["001", "003", "005", "007", "008"]), VALUES)
DATA = st.tuples(
    TAGS, st.text("0123456789 ", min_size=2, max_size=2), st.lists(st.tuples(CODES, VALUES), max_size=5)
)


def content(part: tuple) -> tuple[str, str]:
    if len(part) == 2:
        return part
    tag, indicators, subfields = part
    return tag, indicators + "".join(f"\x1f{code}{value}" for code, value in subfields)


@pytest.fixture(scope="session")
def assert_reads(marc):
    """Reads any bytes as a file and checks what must hold for every file."""

    def check(data: bytes) -> list:
        sniff(data)
        found = list(read_records(io.BytesIO(data)))
        position = 0
        for number, item in enumerate(found, 1):
            assert item.number == number
            assert data[position : item.offset].removeprefix(b"\xef\xbb\xbf").strip(FILLER) == b""
            if isinstance(item, ParsedRecord):
                facts = extract(item)
                assert facts.title
                assert to_marcxml(item.marc)
                again = parse_record(RawRecord(1, 0, item.marc))
                assert (again.fields, again.marc) == (item.fields, item.marc)
                position = data.index(b"\x1d", item.offset) + 1
            else:
                assert item.detail
                position = item.offset + item.length
        rest = data[position:] if found else data.removeprefix(b"\xef\xbb\xbf")
        assert rest.strip(FILLER) == b""
        return found

    return check


@settings(deadline=None)
@given(
    parts=st.lists(st.one_of(CONTROL, DATA), max_size=12),
    title=VALUES.filter(lambda text: text.strip(" /:;=,.").isalnum()),
)
def test_every_field_survives_reading_and_writing(marc, parts, title):
    fields = [*map(content, parts), ("245", f"10\x1fa{title}")]
    data = marc([(tag, text.encode()) for tag, text in fields])
    parsed = parse_record(RawRecord(1, 0, data))
    assert parsed.marc == data
    rebuilt = []
    for field in parsed.fields:
        if isinstance(field, ControlField):
            rebuilt.append((field.tag, field.data))
        else:
            assert isinstance(field, DataField)
            rebuilt.append((field.tag, field.indicators + "".join(f"\x1f{c}{v}" for c, v in field.subfields)))
    assert rebuilt == fields


@settings(deadline=None)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(assert_reads, data):
    assert_reads(data)


@settings(deadline=None)
@given(head=st.binary(max_size=60), tail=st.binary(max_size=60))
def test_any_bytes_round_a_record(assert_reads, good, head, tail):
    assert_reads(head + good + tail)


@settings(deadline=None)
@given(data=st.binary(max_size=300))
def test_a_record_is_parsed_or_refused_with_a_code(data):
    try:
        parsed = parse_record(RawRecord(1, 0, data))
    except RecordRejected as refusal:
        code = refusal.code
    else:
        code = extract(parsed).title
    assert code


MUTATION = st.one_of(
    st.tuples(st.just("set"), st.integers(0, 400), st.integers(0, 255)),
    st.tuples(st.just("delete"), st.integers(0, 400), st.integers(1, 30)),
    st.tuples(st.just("insert"), st.integers(0, 400), st.binary(min_size=1, max_size=10)),
    st.tuples(st.just("length"), st.integers(0, 99_999), st.just(0)),
)


def mutate(record: bytes, change: tuple) -> bytes:
    """The record with one change that leaves no terminator inside or behind it but its own."""
    kind, at, what = change
    if kind == "length":
        return b"%05d" % at + record[5:]
    body = bytearray(record[:-1])
    at %= len(body)
    if kind == "set":
        body[at] = what
    elif kind == "delete":
        del body[at : at + what]
    else:
        body[at:at] = what
    return bytes(body).replace(b"\x1d", b"?") + b"\x1d"


@settings(max_examples=300, deadline=None)
@given(changes=st.lists(st.one_of(st.none(), MUTATION), min_size=1, max_size=8))
def test_good_records_are_kept_whatever_stands_between_them(assert_reads, good, changes):
    parts = [good if change is None else mutate(good, change) for change in changes]
    found = assert_reads(b"".join(parts))
    whole = parse_record(RawRecord(1, 0, good)).fields
    kept = sum(isinstance(item, ParsedRecord) and item.fields == whole for item in found)
    assert kept >= sum(change is None for change in changes)
    assert len(found) >= len([part for part in parts if part.strip(FILLER) != b""])


@settings(deadline=None)
@given(cuts=st.lists(st.integers(1, 100), min_size=1, max_size=5), data=st.data())
def test_a_good_record_behind_a_cut_one_is_kept(assert_reads, good, cuts, data):
    parts = []
    for cut in cuts:
        parts.extend((good[: cut % (len(good) - 1) or 1], good))
    found = assert_reads(b"".join(parts))
    assert sum(isinstance(item, ParsedRecord) for item in found) == len(cuts)


@pytest.mark.parametrize("seed", range(20))
def test_blocks_of_any_size_give_the_same_items(good, seed):
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    parts = [good, good[:50], b"\n", b"noise", b"\x1d", good, b"\x00", good[5:]]
    data = b"".join(chance.choices(parts, k=30))

    class Blocks(io.RawIOBase):
        rest = data

        def read(self, size: int = -1) -> bytes:
            size = chance.randrange(1, 200)
            block, self.rest = self.rest[:size], self.rest[size:]
            return block

    assert list(split_records(Blocks())) == list(split_records(io.BytesIO(data)))
