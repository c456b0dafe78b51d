"""Records written by hand for these tests: a writer of its own, so that ours is not tested with itself."""

from collections.abc import Callable, Sequence

import pytest

from tenant_apps.catalog.marc import ParsedRecord, RawRecord, TitleFacts, extract, parse_record

LEADER = "00000nam a2200000   4500"
FIELD_008 = "850101s1984    enk           000 0 eng d"


def write_marc(
    fields: Sequence[tuple[str, str | bytes]], leader: str = LEADER, *, length: int | None = None
) -> bytes:
    """ISO 2709 bytes; "$" in text stands for the subfield delimiter. `length` overrides the true length."""
    directory, body = b"", b""
    for tag, content in fields:
        data = content.replace("$", "\x1f").encode() if isinstance(content, str) else content
        data += b"\x1e"
        directory += f"{tag}{len(data):04d}{len(body):05d}".encode()
        body += data
    base = 24 + len(directory) + 1
    total = base + len(body) + 1 if length is None else length
    head = f"{total:05d}{leader[5:12]}{base:05d}{leader[17:]}".encode("latin-1")
    return head + directory + b"\x1e" + body + b"\x1d"


@pytest.fixture(scope="session")
def marc() -> Callable[..., bytes]:
    """`write_marc`: the bytes of a record from (tag, content) pairs."""
    return write_marc


@pytest.fixture(scope="session")
def good() -> bytes:
    """A small sound record with letters beyond ASCII."""
    return write_marc(
        [
            ("001", "x1"),
            ("008", FIELD_008),
            ("100", "1 $aOrwell, George,$d1903-1950."),
            ("245", "10$aÉtude /$cX."),
        ]
    )


@pytest.fixture(scope="session")
def read() -> Callable[[bytes], ParsedRecord]:
    """Parse the bytes of one record."""

    def parse(data: bytes) -> ParsedRecord:
        return parse_record(RawRecord(1, 0, data))

    return parse


@pytest.fixture(scope="session")
def facts(read: Callable[[bytes], ParsedRecord]) -> Callable[..., TitleFacts]:
    """Facts of a record from (tag, content) pairs; a title and a field 008 are added where there is none."""

    def facts_of(*fields: tuple[str, str | bytes], leader: str = LEADER) -> TitleFacts:
        tags = [tag for tag, _ in fields]
        extra = [("008", FIELD_008)] if "008" not in tags else []
        if "245" not in tags:
            extra.append(("245", "10$aNineteen eighty-four"))
        return extract(read(write_marc([*extra, *fields], leader)))

    return facts_of
