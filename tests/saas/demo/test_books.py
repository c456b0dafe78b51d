"""The shipped catalogue: its file is what its sources say, and every record of it is sound MARC 21."""

from __future__ import annotations

import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymarc
import pytest
from stdnum import isbn

from saas.demo.books import BOOKS_FILE, SOURCES, book_count
from saas.demo.books.build import built_file, main
from saas.demo.books.control import fixed_field
from saas.demo.books.headings import (
    name_subfields,
    nonfiling,
    script_code,
    split_name,
    stopped,
    subject_subfields,
)
from saas.demo.books.record import marc_record
from saas.demo.books.source import Book, SourceError, load_books, read_book
from saas.demo.books.statement import statement_of

# The MARC Code List for Languages, as far as it is the bibliographic ISO 639-2 of living and well-known old languages.
LANGUAGE_CODES = """
aar abk afr aka akk alb amh ang ara arc arg arm asm ava ave aym aze bak bam baq bel ben bih bis bos bre
bul bur cat cha che chi chu chv cop cor cos cre cze dan div dut dzo egy eng enm epo est ewe fao fij fin
fre frm fro fry ful geo ger gez gla gle glg glv gmh goh got grc gre grn guj hat hau haw heb her hin hit
hmo hrv hun ibo ice ido iii iku ile ina ind ipk ita jav jpn kal kan kas kau kaz khm kik kin kir kom kon
kor kua kur lao lat lav lim lin lit ltz lub lug mac mah mal mao mar may mlg mlt mon mul nau nav nbl nde
ndo nep nno nob non nor nya oci oji ori orm oss ota pal pan peo per pli pol por pro pus que roh rom rum
run rus sag san scn sco sin slo slv sme smo sna snd som sot spa srd srp ssw sum sun swa swe syr tah tam
tat tel tgk tgl tha tib tir ton tsn tso tuk tur twi uga uig ukr und urd uzb ven vie vol wel wln wol xho
yid yor zha zul
"""
MARC_LANGUAGES = frozenset(LANGUAGE_CODES.split())

# Initial articles by language, written down apart from those of the build; the longer one first where one begins
# another.
ARTICLE = {
    "eng": r"(?:the|an|a) ",
    "fre": r"(?:les|le|la|une|un) |l'",
    "ger": r"(?:der|die|das|eine|ein) ",
    "ita": r"(?:il|lo|la|i|gli|le|una|uno|un) |l'|un'",
    "nor": r"(?:den|det|de|en|et) ",
    "por": r"(?:os|as|o|a|uma|um) ",
    "spa": r"(?:los|las|el|la|una|un) ",
    "swe": r"(?:den|det|de|en|ett) ",
    "dut": r"(?:de|het|een) ",
    "cze": r"(?!)",
    "dan": r"(?:den|det|de|en|et) ",
}

LINKED_SCRIPTS = {"(N": "CYRILLIC", "(S": "GREEK", "(3/r": "ARABIC", "(2/r": "HEBREW"}
EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")

MINIMAL: dict[str, Any] = {
    "title": "The Title",
    "author": "Writer, Ann, 1900-1980",
    "year": 1950,
    "language": "eng",
    "dewey": "823.912",
    "form": "novel",
    "subjects": ["Cats -- Fiction", "Dogs -- Fiction"],
    "summary": "A cat meets a dog.",
}


def a_book(**changes: Any) -> Book:
    table = {**MINIMAL, **changes}
    return read_book("lhb99999", {key: value for key, value in table.items() if value is not None})


def texts(field: pymarc.Field) -> list[str]:
    """`a Text` for each subfield, in order."""
    return [f"{item.code} {item.value}" for item in field.subfields]


def only(record: pymarc.Record, tag: str) -> pymarc.Field:
    (field,) = record.get_fields(tag)
    return field


@pytest.fixture(scope="module")
def shipped() -> bytes:
    return BOOKS_FILE.read_bytes()


@pytest.fixture(scope="module")
def records(shipped: bytes) -> list[pymarc.Record]:
    reader = pymarc.MARCReader(io.BytesIO(shipped), to_unicode=True, utf8_handling="strict", permissive=False)
    return [record for record in reader if record is not None]


def named(records: list[pymarc.Record], title: str, *, language: str = "eng") -> pymarc.Record:
    (found,) = (
        record
        for record in records
        if only(record, "245")["a"].rstrip(" :/.") == title
        and str(only(record, "008").data)[35:38] == language
    )
    return found


# -- the file ---------------------------------------------------------------------------------------------------------


def test_shipped_file_is_what_the_sources_make(shipped: bytes) -> None:
    assert shipped == built_file(), "run python -m saas.demo.books.build and commit books.mrc"


def test_two_builds_give_the_same_bytes() -> None:
    assert built_file() == built_file()


def test_the_catalogue_is_large_enough_and_counted_right(records: list[pymarc.Record]) -> None:
    assert book_count() == len(records) == len(load_books(SOURCES))
    assert book_count() >= 320


def test_frames_of_iso_2709_are_exact(shipped: bytes) -> None:
    """Read without pymarc: lengths, base address and directory agree with the bytes."""
    position, seen = 0, 0
    while position < len(shipped):
        leader = shipped[position : position + 24].decode("ascii")
        length, base = int(leader[0:5]), int(leader[12:17])
        record = shipped[position : position + length]
        assert record[-2:] == b"\x1e\x1d"
        assert record.count(b"\x1d") == 1
        assert record[base - 1 : base] == b"\x1e"
        directory = record[24 : base - 1].decode("ascii")
        assert len(directory) % 12 == 0
        expected = 0
        for entry in (directory[start : start + 12] for start in range(0, len(directory), 12)):
            size, offset = int(entry[3:7]), int(entry[7:12])
            assert offset == expected
            assert record[base + offset + size - 1 : base + offset + size] == b"\x1e"
            expected += size
        assert base + expected + 1 == length
        position, seen = position + length, seen + 1
    assert seen == book_count()


def test_leaders_say_books_in_utf_8_with_isbd_punctuation(records: list[pymarc.Record]) -> None:
    for record in records:
        leader = str(record.leader)
        assert len(leader) == 24
        assert leader[5:12] == "nam a22"
        assert leader[17:] == "7i 4500"


def test_text_is_composed_and_free_of_control_characters(shipped: bytes) -> None:
    text = shipped.decode("utf-8")
    assert unicodedata.is_normalized("NFC", text)
    others = {letter for letter in text if unicodedata.category(letter) in {"Cc", "Cf", "Co", "Cn"}}
    assert others == {"\x1d", "\x1e", "\x1f"}


# -- control fields and codes -----------------------------------------------------------------------------------------


def test_control_numbers_are_unique_and_without_gaps(records: list[pymarc.Record]) -> None:
    numbers = [str(only(record, "001").data) for record in records]
    assert numbers == [f"lhb{number:05d}" for number in range(1, len(records) + 1)]
    assert {str(only(record, "003").data) for record in records} == {"LibraryHub"}


def test_008_has_forty_characters_that_agree_with_the_record(records: list[pymarc.Record]) -> None:
    for record in records:
        data = str(only(record, "008").data)
        assert len(data) == 40
        assert data[:6] == "261120"
        assert data[6] in "sm"
        years = only(record, "264")["c"].rstrip(".")
        assert years == (f"{data[7:11]}-{data[11:15]}" if data[6] == "m" else data[7:11])
        assert 1500 <= int(data[7:11]) <= 2026
        if data[6] == "m":
            assert int(data[7:11]) < int(data[11:15])
        assert re.fullmatch(r"[a-z]{3}|[a-z]{2} ", data[15:18])
        assert (data[15:18] == "xx ") == ("a" not in only(record, "264"))
        assert ("b" in only(record, "300")) == (data[18] == "a")
        assert data[22] in " ajd"
        assert data[33] in "01jdpe"
        assert (data[24] == "6") == any(field["a"] == "still image" for field in record.get_fields("336"))


def test_languages_are_in_the_marc_list(records: list[pymarc.Record]) -> None:
    for record in records:
        codes = [str(only(record, "008").data)[35:38]]
        for field in record.get_fields("041"):
            assert field.indicator1 == "1"
            assert field["a"] == codes[0]
            codes += [item.value for item in field.subfields]
        assert set(codes) <= MARC_LANGUAGES


def test_catalogue_is_in_many_languages(records: list[pymarc.Record]) -> None:
    counts = Counter(str(only(record, "008").data)[35:38] for record in records)
    assert {"ita", "fre", "ger", "spa", "por", "rus", "jpn"} <= set(counts)
    assert min(counts["ita"], counts["fre"], counts["ger"], counts["spa"]) >= 10
    assert sum(1 for record in records if record.get_fields("041")) >= 40


def test_isbns_are_valid_plain_and_unique(records: list[pymarc.Record]) -> None:
    numbers = [str(field["a"]) for record in records for field in record.get_fields("020")]
    assert len(numbers) >= 50
    assert [number for number in numbers if not isbn.is_valid(number) or isbn.compact(number) != number] == []
    assert len({isbn.to_isbn13(number) for number in numbers}) == len(numbers)


def test_isbns_belong_to_editions_of_the_isbn_age(records: list[pymarc.Record]) -> None:
    for record in records:
        for field in record.get_fields("020"):
            year = int(str(only(record, "008").data)[7:11])
            assert year >= 1970
            assert len(field["a"]) == 10 or year >= 2005


def test_dewey_classes_have_the_right_form(records: list[pymarc.Record]) -> None:
    for record in records:
        field = only(record, "082")
        assert re.fullmatch(r"\d{3}(\.\d+)?", field["a"])
        assert (field.indicator1, field.indicator2, field["2"]) == ("0", "4", "23")


# -- variable fields --------------------------------------------------------------------------------------------------


def data_fields(records: list[pymarc.Record]) -> Iterator[tuple[str, pymarc.Field]]:
    for record in records:
        for field in record.fields:
            if not field.control_field:
                yield str(only(record, "001").data), field


def test_no_field_or_subfield_is_empty(records: list[pymarc.Record]) -> None:
    for number, field in data_fields(records):
        assert field.subfields, (number, field.tag)
        for item in field.subfields:
            assert item.value, (number, str(field))
            assert item.value == item.value.strip(), (number, str(field))
            assert "  " not in item.value, (number, str(field))
            assert ".." not in item.value, (number, str(field))


def test_indicators_are_a_digit_or_a_blank(records: list[pymarc.Record]) -> None:
    for number, field in data_fields(records):
        assert re.fullmatch(r"[ 0-9]{2}", f"{field.indicator1}{field.indicator2}"), (number, str(field))


def test_every_record_has_the_parts_that_a_catalogue_shows(records: list[pymarc.Record]) -> None:
    once = {"001", "003", "005", "008", "040", "082", "245", "264", "300", "337", "338", "520"}
    for record in records:
        tags = Counter(field.tag for field in record.fields)
        assert all(tags[tag] == 1 for tag in once), str(record)
        assert tags["336"] in (1, 2)
        assert tags["100"] + tags["130"] <= 1
        assert tags["240"] <= tags["100"]
        assert tags["490"] == tags["830"]
        assert 2 <= sum(tags[tag] for tag in ("600", "610", "650", "651")) <= 5, str(record)
        assert str(only(record, "520")["a"]).endswith(".")


def test_titles_are_unique_for_an_author(records: list[pymarc.Record]) -> None:
    titles: Counter[tuple[str, str]] = Counter()
    for record in records:
        author = next((str(field["a"]) for field in record.get_fields("100")), "")
        title = only(record, "245")
        words = " ".join(item.value.strip(" /:.,") for item in title.subfields if item.code in "abnp")
        titles[author, words.casefold()] += 1
    assert [key for key, times in titles.items() if times > 1] == []


def test_one_author_has_one_heading(records: list[pymarc.Record]) -> None:
    """The same name with and without dates would be two people to the reader who clicks on it."""
    headings: dict[str, set[str]] = {}
    for _, field in data_fields(records):
        if field.tag in {"100", "700"}:
            name = str(field["a"]).rstrip(",.")
            headings.setdefault(name, set()).add(str(field.get("d", "")).rstrip(",."))
    assert {name: dates for name, dates in headings.items() if len(dates) > 1} == {}


def test_nonfiling_indicator_is_the_length_of_the_article(records: list[pymarc.Record]) -> None:
    counted = 0
    for record in records:
        title = only(record, "245")
        language = str(only(record, "008").data)[35:38]
        match = re.match(ARTICLE.get(language, r"(?!)"), str(title["a"]), re.IGNORECASE)
        assert int(str(title.indicator2)) == (len(match[0]) if match else 0), str(title)
        counted += bool(match)
        assert title.indicator1 == ("1" if record.get_fields("100", "130") else "0")
    assert counted > 150


def test_uniform_titles_skip_articles_of_their_own_language(records: list[pymarc.Record]) -> None:
    for record in records:
        for field in record.get_fields("240"):
            languages = record.get_fields("041")
            language = languages[0]["h"] if languages else str(only(record, "008").data)[35:38]
            match = re.match(ARTICLE.get(str(language), r"(?!)"), str(field["a"]), re.IGNORECASE)
            assert int(str(field.indicator2)) == (len(match[0]) if match else 0), str(field)
            assert field.indicator1 == "1"
            assert ("l" in field) == bool(languages)


def test_headings_end_in_a_mark_and_name_their_source(records: list[pymarc.Record]) -> None:
    for number, field in data_fields(records):
        if not field.tag.startswith("6"):
            continue
        text = [item.value for item in field.subfields if item.code != "2"][-1]
        assert text[-1] in ".?!-)", (number, str(field))
        assert (field.indicator2 == "7") == ("2" in field), (number, str(field))
        assert (
            field["2"] == ("lcgft" if field.tag == "655" else "local")
            if "2" in field
            else field.indicator2 == "0"
        )


def test_names_are_inverted_when_their_indicator_says_so(records: list[pymarc.Record]) -> None:
    roles = {
        "artist", "author", "colorist", "compiler", "contributor", "editor", "illustrator", "translator",
        "writer of introduction",
    }  # fmt: skip
    for number, field in data_fields(records):
        if field.tag in {"100", "700"}:
            inverted = "," in str(field["a"]).rstrip(",")
            assert inverted == (field.indicator1 == "1"), (number, str(field))
            assert {value.rstrip(",.") for value in field.get_subfields("e")} <= roles, (number, str(field))
            assert field.get_subfields("e"), (number, str(field))


def test_linked_fields_point_at_each_other_and_name_their_script(records: list[pymarc.Record]) -> None:
    linked = 0
    for record in records:
        mains = {
            str(field["6"])[4:6]: field for field in record.fields if "6" in field and field.tag != "880"
        }
        copies = record.get_fields("880")
        assert len(mains) == len(copies)
        for field in copies:
            tag, number, script = re.fullmatch(r"(\d{3})-(\d{2})/(.+)", str(field["6"])).groups()  # type: ignore[union-attr]
            assert mains[number].tag == tag
            assert field.indicators == mains[number].indicators
            name = next(unicodedata.name(letter) for letter in str(field["a"]) if letter.isalpha())
            expected = (LINKED_SCRIPTS[script],) if script in LINKED_SCRIPTS else EAST_ASIAN
            assert name.startswith(expected), str(field)
            linked += 1
    assert linked >= 50


def test_known_books_are_catalogued_as_a_reader_expects(records: list[pymarc.Record]) -> None:
    pride = named(records, "Pride and Prejudice")
    assert texts(only(pride, "100")) == ["a Austen, Jane,", "d 1775-1817,", "e author."]
    assert texts(only(pride, "264")) == ["a London :", "b T. Egerton,", "c 1813."]
    war = named(records, "War and Peace")
    assert texts(only(war, "041")) == ["a eng", "h rus"]
    assert texts(only(war, "240")) == ["6 880-02", "a Voĭna i mir.", "l English."]
    assert [field["a"] for field in war.get_fields("880")] == ["Толстой, Лев,", "Война и мир."]
    rose = named(records, "Il nome della rosa", language="ita")
    assert only(rose, "245").indicator2 == "3"
    kokoro = named(records, "Kokoro", language="jpn")
    assert texts(kokoro.get_fields("880")[2])[1:] == ["a 東京 :", "b 岩波書店,", "c 1914."]
    maus = named(records, "Maus")
    assert texts(only(maus, "245")) == [
        "a Maus :",
        "b a Survivor's Tale.",
        "n I,",
        "p My Father Bleeds History /",
        "c Art Spiegelman.",
    ]


# -- names, titles, subjects ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Austen, Jane, 1775-1817", ["a Austen, Jane,", "d 1775-1817."]),
        ("Rowling, J. K., 1965-", ["a Rowling, J. K.,", "d 1965-"]),
        (
            "Baum, L. Frank (Lyman Frank), 1856-1919",
            ["a Baum, L. Frank", "q (Lyman Frank),", "d 1856-1919."],
        ),
        ("Brooks, Frederick P., $c Jr., 1931-2022", ["a Brooks, Frederick P.,", "c Jr.,", "d 1931-2022."]),
        ("Chaucer, Geoffrey, -1400", ["a Chaucer, Geoffrey,", "d -1400."]),
        ("Sunzi, active 6th century B.C.", ["a Sunzi,", "d active 6th century B.C."]),
        ("Adam (Biblical figure)", ["a Adam", "c (Biblical figure)"]),
        ("Ferrante, Elena", ["a Ferrante, Elena."]),
        ("Homer", ["a Homer."]),
    ],
)
def test_a_name_is_split_into_its_subfields(name: str, expected: list[str]) -> None:
    assert [f"{item.code} {item.value}" for item in name_subfields(split_name(name).parts, [])] == expected


def test_roles_follow_the_dates() -> None:
    parts = split_name("Blume, Judy, 1938-").parts
    fields = name_subfields(parts, ["author", "illustrator"])
    assert [item.value for item in fields] == ["Blume, Judy,", "1938-", "author,", "illustrator."]


@pytest.mark.parametrize(
    ("name", "language", "expected"),
    [
        ("Austen, Jane, 1775-1817", "eng", "Jane Austen"),
        ("Cervantes Saavedra, Miguel de, 1547-1616", "spa", "Miguel de Cervantes Saavedra"),
        ("Brooks, Frederick P., $c Jr., 1931-2022", "eng", "Frederick P. Brooks, Jr."),
        ("Tolstoy, Leo, $c graf, 1828-1910", "eng", "Leo Tolstoy"),
        ("Kawabata, Yasunari, 1899-1972", "eng", "Yasunari Kawabata"),
        ("Kawabata, Yasunari, 1899-1972", "jpn", "Kawabata Yasunari"),
        ("川端, 康成, 1899-1972", "jpn", "川端康成"),
        ("Homer", "eng", "Homer"),
    ],
)
def test_a_title_page_turns_the_name_round(name: str, language: str, expected: str) -> None:
    assert split_name(name).credited(language) == expected


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("Slavery -- Fiction", ["a Slavery", "v Fiction."]),
        (
            "Women -- United States -- Social conditions",
            ["a Women", "z United States", "x Social conditions."],
        ),
        ("Depressions -- 1929 -- Fiction", ["a Depressions", "y 1929", "v Fiction."]),
        ("Paleontology -- Cambrian", ["a Paleontology", "y Cambrian."]),
        ("Logic -- Early works to 1800", ["a Logic", "v Early works to 1800."]),
        ("Relativity (Physics)", ["a Relativity (Physics)"]),
    ],
)
def test_subdivisions_get_the_code_of_their_kind(heading: str, expected: list[str]) -> None:
    assert [f"{item.code} {item.value}" for item in subject_subfields(heading)] == expected


def test_a_person_as_subject_keeps_dates_apart() -> None:
    fields = subject_subfields("Polo, Marco, 1254-1323? -- Fiction", person=True)
    assert [f"{item.code} {item.value}" for item in fields] == [
        "a Polo, Marco,",
        "d 1254-1323?",
        "v Fiction.",
    ]


@pytest.mark.parametrize(
    ("title", "language", "skipped"),
    [
        ("The Trial", "eng", 4),
        ("A Room with a View", "eng", 2),
        ("An Inquiry", "eng", 3),
        ("Animal Farm", "eng", 0),
        ("Theories", "eng", 0),
        ("L'Étranger", "fre", 2),
        ("L\u2019Étranger", "fre", 2),
        ("Les Misérables", "fre", 4),
        ("Der Prozess", "ger", 4),
        ("Die Hard", "eng", 0),
        ("I Malavoglia", "ita", 2),
        ("I, Robot", "eng", 0),
        ("A hora da estrela", "por", 2),
        ("À la recherche du temps perdu", "fre", 0),
        ("Kokoro", "jpn", 0),
    ],
)
def test_only_an_article_of_the_language_is_skipped(title: str, language: str, skipped: int) -> None:
    assert nonfiling(title, language) == skipped


def test_a_full_stop_is_added_only_where_no_mark_stands() -> None:
    assert [stopped(text) for text in ("end", "end.", "end?", "1947-", "(b. 1900)")] == [
        "end.",
        "end.",
        "end?",
        "1947-",
        "(b. 1900)",
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Война и мир. English", "(N"),
        ("Ἰλιάς", "(S"),
        ("بين القصرين", "(3/r"),
        ("קיצור", "(2/r"),
        ("三体", "$1"),
        ("こころ", "$1"),
        ("ノルウェイ", "$1"),
        ("채식주의자", "$1"),
    ],
)
def test_scripts_are_recognised(text: str, code: str) -> None:
    assert script_code(text) == code


def test_latin_text_cannot_be_linked() -> None:
    with pytest.raises(ValueError, match="no script"):
        script_code("Kokoro")


# -- records of single books ------------------------------------------------------------------------------------------


def test_unknown_place_pictures_and_index_are_said_to_be_unknown() -> None:
    data = fixed_field(a_book())
    assert data == "261120s1950    xx ||||       00| 1 eng d"
    assert len(data) == 40


def test_several_years_and_a_children_s_comic_are_coded() -> None:
    data = fixed_field(
        a_book(year=1950, last_year=1952, place="Milano", form="comic", language="ita", audience="juvenile")
    )
    assert data == "261120m19501952it a   j 6    00| 1 ita d"


def test_a_book_with_nothing_optional_is_a_small_record() -> None:
    record = marc_record(a_book(author=None))
    assert [field.tag for field in record.fields] == [
        *(
            "001",
            "003",
            "005",
            "008",
            "040",
            "082",
            "245",
            "264",
            "300",
            "336",
            "337",
            "338",
            "520",
            "650",
            "650",
        )
    ]
    assert texts(only(record, "245")) == ["a The Title."]
    assert only(record, "245").indicators == ("0", "4")
    assert texts(only(record, "264")) == ["c 1950."]
    assert texts(only(record, "300")) == ["a 1 volume"]


def test_a_place_without_a_publisher_takes_a_comma() -> None:
    assert texts(only(marc_record(a_book(place="London")), "264")) == ["a London,", "c 1950."]


def test_author_who_draws_is_named_once_with_both_roles() -> None:
    record = marc_record(a_book(illustrators=[MINIMAL["author"]]))
    assert only(record, "100").get_subfields("e") == ["author,", "illustrator."]
    assert record.get_fields("700") == []
    assert texts(only(record, "300")) == ["a 1 volume :", "b illustrations"]


def test_a_person_with_two_roles_gets_one_field() -> None:
    record = marc_record(
        a_book(
            translators=["Other, Bo"],
            contributors=[{"name": "Other, Bo", "role": "editor"}, {"name": "Third, Cy", "role": "editor"}],
        )
    )
    assert [texts(field) for field in record.get_fields("700")] == [
        ["a Other, Bo,", "e translator,", "e editor."],
        ["a Third, Cy,", "e editor."],
    ]


def test_an_anonymous_work_is_entered_under_its_uniform_title() -> None:
    original = {"language": "ger", "title": "Das Lied", "year": 1200}
    record = marc_record(a_book(author=None, original=original, text_languages=["eng", "ger"]))
    assert only(record, "130").indicators == ("4", " ")
    assert texts(only(record, "130")) == ["a Das Lied.", "l English & German."]
    assert texts(only(record, "041")) == ["a eng", "a ger", "h ger"]
    assert only(record, "245").indicator1 == "1"
    assert texts(only(record, "500")) == ["a First published in German, 1200."]


def test_a_uniform_title_in_the_same_language_names_no_language() -> None:
    record = marc_record(a_book(original={"language": "eng", "title": "Title"}))
    assert texts(only(record, "240")) == ["a Title."]
    assert record.get_fields("041") == []


def test_audience_is_given_as_ages_where_they_are_known() -> None:
    assert texts(only(marc_record(a_book(audience="juvenile")), "521")) == ["a Children."]
    assert texts(only(marc_record(a_book(audience="juvenile", ages="8-11")), "521")) == ["a Ages 8 to 11."]


def test_series_is_stated_and_traced() -> None:
    record = marc_record(a_book(series="The Series", series_number="4"))
    assert texts(only(record, "490")) == ["a The Series ;", "v 4"]
    assert texts(only(record, "830")) == ["a The Series ;", "v 4."]
    assert only(record, "830").indicator2 == "4"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "Ann Writer"),
        ({"credited_as": "A. Writer"}, "A. Writer"),
        ({"statement": "told by a friend"}, "told by a friend"),
        ({"coauthors": ["Two, Bo", "Three, Cy"]}, "Ann Writer, Bo Two and Cy Three"),
        (
            {"translators": ["Two, Bo", "Three, Cy"], "illustrators": ["Four, Di"]},
            "Ann Writer ; translated by Bo Two and Cy Three ; illustrated by Di Four",
        ),
        (
            {"author": None, "contributors": [{"name": "Two, Bo", "role": "editor"}]},
            "edited by Bo Two",
        ),
        (
            {"contributors": [{"name": "Two, Bo", "role": "writer of introduction"}]},
            "Ann Writer ; with an introduction by Bo Two",
        ),
        ({"language": "fre", "translators": ["Two, Bo"], "coauthors": ["Three, Cy"]}, "Ann Writer, Cy Three"),
    ],
)
def test_statement_of_responsibility(changes: dict[str, Any], expected: str) -> None:
    assert statement_of(a_book(**changes)) == expected


# -- sources and the command ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"titel": "x"}, "lhb99999: unknown key titel"),
        ({"summary": None}, "lhb99999: summary is missing"),
        ({"year": "1950"}, "lhb99999: year has the wrong kind of value: '1950'"),
        ({"year": True}, "lhb99999: year has the wrong kind of value: True"),
        ({"publisher": ""}, "lhb99999: publisher has the wrong kind"),
        ({"publisher": " Egerton"}, "lhb99999: publisher has the wrong kind"),
        ({"subjects": []}, "lhb99999: subjects has the wrong kind"),
        ({"subjects": "Cats"}, "lhb99999: subjects has the wrong kind"),
        ({"subjects": ["Cats", 3]}, "lhb99999: subjects has the wrong kind of value: 3"),
        ({"contributors": ["Two, Bo"]}, "lhb99999: contributors has the wrong kind"),
        ({"contributors": [{"name": "Two, Bo"}]}, "lhb99999: contributors: role is missing"),
        ({"original": "rus"}, "lhb99999: original has the wrong kind"),
        ({"original": {"language": "xyz"}}, "lhb99999: unknown language 'xyz'"),
        ({"script": ["x"]}, "lhb99999: script has the wrong kind"),
        ({"language": "en"}, "lhb99999: unknown language 'en'"),
        ({"text_languages": ["eng", "english"]}, "lhb99999: unknown language 'english'"),
        ({"place": "Atlantis"}, "lhb99999: unknown place 'Atlantis'"),
        ({"form": "poem"}, "lhb99999: unknown form 'poem'"),
        ({"audience": "cats"}, "lhb99999: unknown audience 'cats'"),
    ],
)
def test_a_mistake_in_a_source_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SourceError) as caught:
        a_book(**changes)
    assert message in str(caught.value)


@pytest.mark.parametrize("number", ["lhb1", "LHB00001", "book", "lhb000001"])
def test_a_control_number_of_another_form_is_refused(number: str) -> None:
    with pytest.raises(SourceError, match="a control number is lhb and five digits"):
        read_book(number, MINIMAL)


TABLE = """
[{number}]
title = "Emma"
year = 1815
language = "eng"
dewey = "823.7"
form = "novel"
summary = "A match is made."
"""


def test_files_are_read_in_the_order_of_the_control_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(TABLE.format(number="lhb00002"))
    (tmp_path / "b.toml").write_text(TABLE.format(number="lhb00001"))
    assert [book.control_number for book in load_books(tmp_path)] == ["lhb00001", "lhb00002"]


def test_a_number_in_two_files_a_broken_file_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no book in"):
        load_books(tmp_path)
    (tmp_path / "a.toml").write_text(TABLE.format(number="lhb00001"))
    (tmp_path / "b.toml").write_text(TABLE.format(number="lhb00001"))
    with pytest.raises(SourceError, match=r"b\.toml: lhb00001 is used twice"):
        load_books(tmp_path)
    (tmp_path / "b.toml").write_text("[lhb00002")
    with pytest.raises(SourceError, match=r"b\.toml: "):
        load_books(tmp_path)


def test_the_command_writes_the_file_and_check_tells_a_stale_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources, output = tmp_path / "sources", tmp_path / "out.mrc"
    sources.mkdir()
    (sources / "a.toml").write_text(TABLE.format(number="lhb00001"))
    arguments = ["--sources", str(sources), "--output", str(output)]
    assert main([*arguments, "--check"]) == 1
    assert not output.exists()
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    before = output.read_bytes()
    (sources / "a.toml").write_text(TABLE.format(number="lhb00002"))
    capsys.readouterr()
    assert main([*arguments, "--check"]) == 1
    assert "out.mrc is out of date" in capsys.readouterr().err
    assert output.read_bytes() == before


def test_the_command_names_a_wrong_source_and_leaves_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources, output = tmp_path / "sources", tmp_path / "out.mrc"
    sources.mkdir()
    (sources / "a.toml").write_text(TABLE.format(number="lhb00001").replace("novel", "poem"))
    assert main(["--sources", str(sources), "--output", str(output)]) == 1
    assert capsys.readouterr().err == "lhb00001: unknown form 'poem'\n"
    assert not output.exists()


def test_check_of_the_shipped_file_passes() -> None:
    assert main(["--check"]) == 0
