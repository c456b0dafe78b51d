"""Hostile and broken files: a report for each, a crash for none."""

import io
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tenant_apps.catalog.marc import Format, ParsedRecord, extract, read_records, sniff, to_marcxml
from tenant_apps.catalog.marc.split import FILLER

pytestmark = pytest.mark.deep


@pytest.fixture(scope="session")
def bad_input(test_data: Path) -> Path:
    folder = test_data / "badinput"
    if not folder.is_dir():
        pytest.skip(f"no bad input at {folder}")
    return folder


@pytest.fixture(scope="session")
def generated(bad_input: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    command = [sys.executable, "-W", "ignore", str(bad_input / "generators" / "make_bad.py"), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def outcomes(data: bytes) -> Counter[str]:
    """Counts by "kept" and code, after checking that all bytes are accounted for and every record can be used."""
    counts: Counter[str] = Counter()
    position = 0
    for item in read_records(io.BytesIO(data)):
        assert data[position : item.offset].removeprefix(b"\xef\xbb\xbf").strip(FILLER) == b""
        if isinstance(item, ParsedRecord):
            assert extract(item).title
            assert to_marcxml(item.marc)
            counts["kept"] += 1
            position = data.index(b"\x1d", item.offset) + 1
        else:
            counts[item.code.value] += 1
            position = item.offset + item.length
    assert data[position:].strip(FILLER) == b""
    return counts


GENERATED = {
    "marc_ok.mrc": {"kept": 1},
    "marc_bad_middle.mrc": {"kept": 3, "record_truncated": 1},
    "marc_len_zero.mrc": {"kept": 2},
    "marc_len_huge.mrc": {"kept": 1},
    "marc_no_terminator.mrc": {"record_truncated": 1},
    "marc_dir_overflow.mrc": {"length_mismatch": 1},
    "marc_dir_negative.mrc": {"length_mismatch": 1},
    "marc_xss.mrc": {"kept": 1},
    "marc_ssti.mrc": {"kept": 1},
    "marc_9999_fields.mrc": {"record_too_long": 1},
    "marc_long_subfield.mrc": {"record_too_long": 1},
    "marc_nul_esc.mrc": {"control_characters": 1},
}


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_generated_marc_files(generated, name):
    assert outcomes((generated / name).read_bytes()) == GENERATED[name]


def test_no_generated_marc_file_is_without_its_truth(generated):
    assert {path.name for path in generated.glob("*.mrc")} == set(GENERATED)


def test_a_link_that_runs_script_is_not_taken_over(generated):
    (record,) = read_records(io.BytesIO((generated / "marc_xss.mrc").read_bytes()))
    assert extract(record).urls == ()


def test_no_other_generated_file_is_taken_for_marc(generated):
    for path in generated.iterdir():
        if path.suffix == ".mrc":
            continue
        data = path.read_bytes()
        assert sniff(data[:100_000]) not in (Format.MARC21, Format.UNIMARC), path.name
        assert outcomes(data)["kept"] == 0, path.name


PYMARC = {
    "1251.dat": {"undecodable_text": 6},  # Windows-1251 behind a leader that says MARC-8
    "alphatag.dat": {"kept": 1},
    "bad_eacc_encoding.dat": {"undecodable_text": 1},
    "bad_indicator.dat": {"kept": 1},
    "bad_marc8_escape.dat": {"undecodable_text": 1},
    "bad_records.mrc": {"kept": 5, "bad_directory": 2, "empty_record": 1},
    "bad_subfield_code.dat": {"kept": 1},
    "diacritic.dat": {"kept": 1},
    "marc.dat": {"kept": 20},
    "marc8.dat": {"kept": 1},
    "multi_isbn.dat": {"kept": 1},
    "one.dat": {"kept": 1},
    "regression45.dat": {"kept": 12},
    "test.dat": {"kept": 10},
    "testunimarc.dat": {"not_marc21": 1},
    "utf8_errors.dat": {"kept": 1},
    "utf8_invalid.mrc": {"kept": 1},
    "utf8_with_leader_flag.dat": {"kept": 1},
    "utf8_without_leader_flag.dat": {"kept": 1},
}


@pytest.mark.parametrize("name", sorted(PYMARC))
def test_the_bad_records_of_pymarc(bad_input, name):
    assert outcomes((bad_input / "marc" / "pymarc" / "test" / name).read_bytes()) == PYMARC[name]


YAZ = {
    "marc0": {"no_title": 1},
    "marc1": {"not_marc21": 1},  # danMARC2
    "marc2": {"not_marc21": 1},
    "marc3": {"kept": 1},
    "marc4": {"bad_leader": 1, "kept": 1},  # five digits too many before the record
    "marc5": {"kept": 1},
    "marc6": {"kept": 1},
    "marc7": {"kept": 1},
    "marc8": {"kept": 1},
    "marc9": {"kept": 1},
    "marc10": {"undecodable_text": 1},  # Latin-1 behind a leader that says MARC-8
    "marc11": {"undecodable_text": 1},
    "marc12": {"undecodable_text": 1},  # an escape in place of a subfield code
    "marccol1.u8": {"kept": 19},
    "marccol2.u8": {"kept": 1},
    "marccol3.u8": {"kept": 1},
    "marccol4.u8": {"kept": 1},
    "marccol5.u8": {"kept": 11},
}


@pytest.mark.parametrize("name", sorted(YAZ))
def test_the_marc_files_of_yaz(bad_input, name):
    assert (
        outcomes((bad_input / "marc" / "yaz" / "test" / "marc-files" / f"{name}.marc").read_bytes())
        == YAZ[name]
    )


def test_nothing_in_the_folder_of_bad_marc_crashes(bad_input):
    files = [path for path in (bad_input / "marc").rglob("*") if path.is_file()]
    assert len(files) > 100
    for path in files:
        data = path.read_bytes()
        assert sniff(data) in Format
        assert sum(outcomes(data).values()) >= (1 if data.strip(FILLER) else 0), path.name


@pytest.mark.parametrize(("seed_file", "seed"), [("nlnz", 1), ("hebrew", 2), ("concerto", 3)])
def test_seeded_mutants_of_real_records_are_read_or_refused(bad_input, test_data, tmp_path, seed_file, seed):
    (source,) = (test_data / "marc").glob(f"*{seed_file}*.mrc")
    small = tmp_path / "seed.mrc"
    small.write_bytes(b"\x1d".join(source.read_bytes().split(b"\x1d")[:4]) + b"\x1d")
    command = [
        sys.executable,
        str(bad_input / "generators" / "mutate.py"),
        str(small),
        str(tmp_path / "out"),
        "300",
        str(seed),
    ]
    subprocess.run(command, check=True, capture_output=True)
    total: Counter[str] = Counter()
    for path in (tmp_path / "out").iterdir():
        total += outcomes(path.read_bytes())
    # Most mutants hurt one record of four: the others must still be there.
    assert total["kept"] > 0.5 * total.total()
