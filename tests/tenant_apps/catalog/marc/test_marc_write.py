"""Records going out, held against readers that are not ours."""

# ruff: noqa: S314 - the XML read here was written by us

import io
import xml.etree.ElementTree as ET

import pymarc
import pytest

from tenant_apps.catalog.marc import RecordRejected, RejectCode, marcxml_documents, to_iso2709, to_marcxml

NS = {"m": "http://www.loc.gov/MARC21/slim"}


def pymarc_xml(document: bytes) -> list[pymarc.Record]:
    return pymarc.parse_xml_to_array(io.BytesIO(document), strict=True)


def test_iso_2709_is_read_by_pymarc(good, read):
    (record,) = pymarc.MARCReader(to_iso2709(read(good).marc))
    assert record["245"]["a"] == "Étude /"
    assert record["100"]["d"] == "1903-1950."


def test_a_damaged_store_makes_no_damaged_file(good, read):
    marc = read(good).marc
    for write in (to_iso2709, to_marcxml):
        with pytest.raises(RecordRejected) as caught:
            write(marc[:-20])
        assert caught.value.code is RejectCode.RECORD_TRUNCATED


def test_marcxml_is_read_by_pymarc_with_the_same_fields(marc, read):
    parsed = read(
        marc(
            [
                ("001", "x<1>&"),
                ("245", "10$a<script>\"A\" & 'B'</script> /$cÉ 人 🙂"),
                ("650", " 0$aDogs$zItaly$aX"),
            ]
        )
    )
    (record,) = pymarc_xml(to_marcxml(parsed.marc))
    assert str(record.leader) == parsed.leader
    assert record["001"].data == "x<1>&"
    assert record["245"].subfields == [("a", "<script>\"A\" & 'B'</script> /"), ("c", "É 人 🙂")]
    assert (record["650"].indicators, record["650"].subfields) == (
        (" ", "0"),
        [("a", "Dogs"), ("z", "Italy"), ("a", "X")],
    )


def test_a_collection_streams_any_number_of_records(good, read):
    marc = read(good).marc
    for count in (0, 1, 3):
        pieces = list(marcxml_documents(marc for _ in range(count)))
        assert len(pieces) == count + 2
        assert len(ET.fromstring(b"".join(pieces)).findall("m:record", NS)) == count


def test_what_xml_cannot_hold_is_marked_not_dropped(marc, read):
    parsed = read(marc([("245", "10$aA\x07B\ufffeC\tD\nE\rF")]))
    root = ET.fromstring(to_marcxml(parsed.marc))
    assert root.findtext(".//m:subfield", namespaces=NS) == "A\ufffdB\ufffdC\tD\nE\rF"


@pytest.mark.parametrize(
    ("content", "indicators", "subfields"),
    [
        ("$aNone", " , ", [("a", "None")]),
        ("1$aOne", "1, ", [("a", "One")]),
        ("123$aThree", "1,2", [("?", "3"), ("a", "Three")]),
        ("loose text", "l,o", [("?", "ose text")]),
        ("  $$aEmpty before$", " , ", [("a", "Empty before")]),
        ('  $"Quoted', " , ", [('"', "Quoted")]),
        ("  $\ufffdbad", " , ", [("\ufffd", "bad")]),
        ("  $\x02bad", " , ", [("\ufffd", "bad")]),
        ("  $a", " , ", [("a", None)]),
    ],
)
def test_oddly_made_fields_become_valid_xml(marc, read, content, indicators, subfields):
    root = ET.fromstring(to_marcxml(read(marc([("245", "10$aT"), ("500", content)])).marc))
    field = root.find(".//m:datafield[@tag='500']", NS)
    assert f"{field.get('ind1')},{field.get('ind2')}" == indicators
    assert [(part.get("code"), part.text) for part in field] == subfields
