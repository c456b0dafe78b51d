"""What a file is, by its beginning."""

import gzip
import io
import zipfile

import pytest

from tenant_apps.catalog.marc import Format, sniff


def zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.mrc", (2026, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


def test_marc21_is_known_with_and_without_filler(good):
    for before in (b"", b"\n", b"\r\n  ", b"\xef\xbb\xbf"):
        assert sniff(before + good + good) is Format.MARC21


def test_a_beginning_cut_within_the_first_record_is_enough(good):
    assert sniff(good[:150]) is Format.MARC21


@pytest.mark.parametrize("declared", [b"00000", b"99999", b"     "])
def test_a_damaged_first_record_is_still_worth_reading(good, declared):
    assert sniff(declared + good[5:] + good) is Format.MARC21


def test_a_line_of_text_before_the_records_is_no_obstacle(good):
    assert sniff(b"Exported by Foo 1.0\n" + good) is Format.MARC21


def test_unimarc_is_known_by_its_directory(marc):
    assert sniff(marc([("001", "x"), ("200", "1 $aTitolo"), ("210", "  $aRoma")])) is Format.UNIMARC
    assert sniff(marc([("200", "1 $aLocal"), ("245", "10$aTitle")])) is Format.MARC21


def test_authority_records_are_marc21(marc):
    assert sniff(marc([("100", "1 $aOrwell")], "00000nz  a2200000n  4500")) is Format.MARC21


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", Format.EMPTY),
        (b" \r\n\x1a\x00", Format.EMPTY),
        (b"\xef\xbb\xbf", Format.EMPTY),
        (b"%PDF-1.7\n...", Format.PDF),
        (zipped(b"x"), Format.ZIP),
        (gzip.compress(b"x", mtime=0), Format.GZIP),
        (b"title,author\nOne,Two\n", Format.TEXT),
        ("città, perché\n".encode("latin-1"), Format.TEXT),
        (b"12345 is a number in a text file with digits\n", Format.TEXT),
        (b'{"leader": "00000nam"}', Format.TEXT),
        (b'<?xml version="1.0"?><collection xmlns="http://www.loc.gov/MARC21/slim">', Format.MARCXML),
        (b"\xef\xbb\xbf<record><leader>00000nam</leader>", Format.MARCXML),
        (b"<marc:record><marc:datafield tag='245'>", Format.MARCXML),
        (b"<html><body>Not found</body></html>", Format.XML),
        ("<?xml version='1.0'?>".encode("utf-16"), Format.XML),
        ("plain".encode("utf-16"), Format.TEXT),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", Format.UNKNOWN),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", Format.UNKNOWN),
        (bytes(range(256)), Format.UNKNOWN),
    ],
)
def test_other_files_are_named(head, kind):
    assert sniff(head) is kind
