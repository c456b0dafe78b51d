"""The facts of a record: what is in no table of a smaller test, and the whole of one record."""

# ruff: noqa: RUF001 - text in other scripts is what is tested

import dataclasses
import re
import time
import unicodedata

import pytest

from tenant_apps.catalog.marc import (
    ClassificationFacts,
    ContributorKind,
    LinkFacts,
    MaterialType,
    Role,
    extract,
    is_web_address,
)


def test_the_facts_of_a_whole_record(facts):
    found = facts(
        ("001", "ocm12345"),
        ("003", "OCoLC"),
        ("008", "850101s1984    enk    j      000 1 eng d"),
        ("020", "  $a0-14-028333-1 (pbk.)"),
        ("082", "04$a823/.912$220"),
        ("100", "1 $aOrwell, George,$d1903-1950."),
        ("240", "10$aNineteen eighty-four.$lEnglish"),
        ("245", "10$aNineteen eighty-four :$ba novel /$cGeorge Orwell ; with notes by X."),
        ("246", "3 $a1984"),
        ("250", "  $a2nd ed."),
        ("260", "  $aLondon :$bPenguin,$c1984."),
        ("300", "  $a268 p. ;$c20 cm."),
        ("490", "1 $aPenguin classics ;$v7"),
        ("500", "  $aFirst published 1949."),
        ("505", "0 $aPart one -- Part two."),
        ("520", "  $aA man resists."),
        ("650", " 0$aTotalitarianism$vFiction."),
        ("700", "1 $aX, Y.$4ann"),
        ("856", "41$uhttps://example.org/1984$3Full text"),
    )
    assert dataclasses.asdict(found) == {
        "control_number": "(OCoLC)ocm12345",
        "title": "Nineteen eighty-four",
        "subtitle": "a novel",
        "statement_of_responsibility": "George Orwell ; with notes by X.",
        "sort_title": "nineteen eighty four a novel",
        "nonfiling": 0,
        "uniform_title": "Nineteen eighty-four. English",
        "variant_titles": ("1984",),
        "original_titles": (),
        "contributors": (
            {
                "name": "Orwell, George",
                "normalised_name": "orwell george 1903 1950",
                "role": Role.AUTHOR,
                "kind": ContributorKind.PERSON,
                "dates": "1903-1950",
                "is_main": True,
            },
            {
                "name": "X, Y.",
                "normalised_name": "x y",
                "role": Role.CONTRIBUTOR,
                "kind": ContributorKind.PERSON,
                "dates": "",
                "is_main": False,
            },
        ),
        "subjects": (
            {
                "heading": "Totalitarianism -- Fiction",
                "normalised": "totalitarianism fiction",
                "kind": "topic",
            },
        ),
        "publisher": "Penguin",
        "place": "London",
        "year": 1984,
        "language": "eng",
        "languages": ("eng",),
        "isbns": ("9780140283334",),
        "invalid_isbns": (),
        "issns": (),
        "material_type": MaterialType.BOOK,
        "series": ({"name": "Penguin classics", "normalised": "penguin classics", "volume": "7"},),
        "classifications": ({"scheme": "ddc", "number": "823.912"},),
        "edition": "2nd ed.",
        "extent": "268 p. ; 20 cm.",
        "summary": "A man resists.",
        "audience": "juvenile",
        "contents": "Part one -- Part two.",
        "notes": ("First published 1949.",),
        "urls": ({"url": "https://example.org/1984", "label": "Full text"},),
    }


def test_a_bare_record_has_empty_facts_but_a_title(marc, read):
    found = extract(read(marc([("245", "  $aTitle")])))
    values = dataclasses.asdict(found)
    kept = {name: value for name, value in values.items() if value not in ("", (), None, 0)}
    assert kept == {"title": "Title", "sort_title": "title", "material_type": MaterialType.BOOK}
    assert found.year is None


def test_a_record_without_a_title_cannot_be_extracted(marc, read):
    parsed = dataclasses.replace(read(marc([("245", "  $aTitle")])), fields=())
    with pytest.raises(ValueError, match="without a title"):
        extract(parsed)


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        ([("001", " x1 "), ("003", "DLC")], "(DLC)x1"),
        ([("001", "x1")], "x1"),
        ([("003", "DLC")], ""),
        ([("001", "n" * 300)], "n" * 100),
    ],
)
def test_control_number(facts, fields, number):
    assert facts(*fields).control_number == number


@pytest.mark.parametrize(
    ("fields", "place", "publisher"),
    [
        ([("264", " 4$c2001"), ("264", " 1$aParis :$bSeuil,$c2001")], "Paris", "Seuil"),
        ([("264", " 2$aLyon :$bDistributor"), ("264", " 1$aParis :$bSeuil")], "Paris", "Seuil"),
        ([("260", "##$aМосква :."), ("260", "##$bПравда,$c1989.")], "Москва", "Правда"),
        ([("260", "  $a[S.l.] ;$aRome :$b[s.n.] ;$bLaterza")], "Rome", "Laterza"),
        ([("260", "  $a[S.l. :$bs.n.]")], "", ""),
        ([], "", ""),
    ],
)
def test_imprint(facts, fields, place, publisher):
    found = facts(*fields)
    assert (found.place, found.publisher) == (place, publisher)


def test_class_numbers_of_each_scheme(facts):
    found = facts(
        ("050", "00$aBL2525$b.N48 1984"),
        ("080", "  $a94(100)"),
        ("082", "04$a261.7/0973$aB$219"),
        ("084", "  $a24.32$2bcl"),
        ("084", "  $aQX 1"),
        ("084", "  $a"),
    ).classifications
    assert found == (
        ClassificationFacts("ddc", "261.70973"),
        ClassificationFacts("ddc", "B"),
        ClassificationFacts("udc", "94(100)"),
        ClassificationFacts("lcc", "BL2525 .N48 1984"),
        ClassificationFacts("bcl", "24.32"),
        ClassificationFacts("other", "QX 1"),
    )


@pytest.mark.parametrize(
    ("fields", "summary"),
    [
        ([("520", "1 $aA review."), ("520", "  $aPlain.")], "Plain."),
        ([("520", "1 $aA review.")], "A review."),
        ([("520", "  $aOne."), ("520", "  $aTwo.$bMore.")], "One. Two. More."),
        ([], ""),
    ],
)
def test_a_plain_summary_comes_before_reviews(facts, fields, summary):
    assert facts(*fields).summary == summary


@pytest.mark.parametrize(("leader_6", "audience"), [("a", "juvenile"), ("j", "juvenile"), ("e", "")])
def test_audience_is_coded_only_for_some_materials(facts, leader_6, audience):
    field = ("008", "850101s1984    enk    j      000 1 eng d")
    assert facts(field, leader=f"00000n{leader_6}m a2200000   4500").audience == audience


def test_private_and_local_notes_are_not_shown(facts):
    found = facts(
        ("500", "  $aPublic."),
        ("541", "0 $aBought from X"),
        ("583", "  $aLost"),
        ("590", "  $aLocal"),
        ("500", "  $aPublic."),
    )
    assert found.notes == ("Public.",)


def test_titles_in_their_own_script(facts):
    found = facts(
        ("245", "10$6880-01$aVoĭna i mir :$broman"),
        ("880", "10$6245-01/(N$aВойна и мир :$bроман"),
        ("880", "1 $6100-02/(N$aТолстой"),
        ("880", "10$aNo link"),
    )
    assert found.original_titles == ("Война и мир: роман",)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "https://example.org/a?b=c#d",
        "HTTPS://EXAMPLE.ORG/",
        "http://hdl.handle.net/10.1/x(y)",
        "https://xn--bcher-kva.example/",
        "https://bücher.example/ä",
    ],
)
def test_web_addresses(url):
    assert is_web_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt://example.org/%0aalert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "ftp://example.org/",
        "//example.org/",
        "example.org",
        "http://",
        "http:///path",
        "http:/example.org",
        "https://user:secret@example.org/",
        "https://example.com\\@evil.example/",
        "http://[::1",
        "http://exa mple.org/",
        "http://example.org/\r\nX: y",
        "http://example.org/\x00",
        "http://example.org/\u202e",
        'http://example.org/"onclick=',
        "http://example.org/<b>",
        "https://example.org/" + "x" * 2_000,
        "",
    ],
)
def test_anything_else_is_no_link(facts, url):
    assert not is_web_address(url)
    if "\x00" not in url:
        assert facts(("856", f"40$u{url}")).urls == ()


def test_links_have_labels_and_come_once(facts):
    found = facts(
        ("856", "40$uhttps://example.org/$yHere"),
        ("856", "40$u https://example.org/ $zAgain"),
        ("856", "40$ujavascript:alert(1)$uhttps://example.net/"),
    )
    assert found.urls == (LinkFacts("https://example.org/", "Here"), LinkFacts("https://example.net/", ""))


def test_markup_and_templates_are_plain_text(facts):
    """Escaping is the work of the page; here nothing may be evaluated, changed or lost."""
    evil = "{{7*7}}<script>alert(1)</script>{0.__class__}%s"
    found = facts(("245", f"00$a{evil}"), ("520", f"  $a{evil}"))
    assert (found.title, found.summary) == (evil, evil)


@pytest.mark.parametrize(
    "tag",
    [
        "020",
        "022",
        "050",
        "084",
        "100",
        "240",
        "245",
        "246",
        "250",
        "260",
        "300",
        "490",
        "500",
        "505",
        "520",
        "650",
    ],
)
def test_every_text_is_bounded_clean_and_composed(facts, tag):
    filling = "e\u0301\u202e\x07 x" * 300
    texts = _texts(dataclasses.asdict(facts((tag, f"10$a{filling}$b{filling}$v{filling}"))))
    assert any(len(text) > 30 for text in texts) or tag == "022"
    for text in texts:
        assert len(text) <= (5_000 if tag in ("500", "505", "520") else 1_000)
        assert unicodedata.is_normalized("NFC", text)
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", text)


@pytest.mark.parametrize(
    ("tag", "content"),
    [
        ("260", "  $c" + "[" * 9_900),
        ("260", "  $c" + "[1234" * 1_900),
        ("700", "1 $aX$4" + "/" * 9_900),
        ("700", "1 $a" + "a. " * 3_300),
        ("245", "10$a" + "\x98" * 4_900),
        ("245", "10$a" + "." * 9_900),
        ("020", "  $a" + "0-" * 4_900),
        ("520", "  $a" + "\x07" * 9_900),
        ("856", "40$u" + "http://" * 1_400),
    ],
)
def test_hostile_text_takes_no_more_time_than_other_text(facts, tag, content):
    """Patterns that go back and forth over their text would take seconds for this record, not milliseconds."""
    fields = [("245", "10$aTitle")] + [(tag, content)] * 9
    start = time.process_time()
    facts(*fields)
    assert time.process_time() - start < 0.5


def _texts(value) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for part in value.values() for text in _texts(part)]
    return [text for part in value for text in _texts(part)] if isinstance(value, tuple | list) else []
