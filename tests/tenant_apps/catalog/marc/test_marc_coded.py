"""Year, languages, material type, ISBN and ISSN: what is coded in numbers and letters."""

# ruff: noqa: RUF001 - text in other scripts is what is tested

import pytest

from tenant_apps.catalog.marc import MaterialType, isbn13


def coded(**positions: str) -> tuple[str, str]:
    text = list("850101nuuuuuuuuxx                  und d")
    for position, value in positions.items():
        start = int(position[1:])
        text[start : start + len(value)] = value
    return "008", "".join(text)


@pytest.mark.parametrize(
    ("fields", "year"),
    [
        ([("008", "850101s1984    enk"), ("260", "  $c1985")], 1984),
        ([coded(p6="s19uu"), ("260", "  $c[1985?]")], 1985),
        ([coded(), ("260", "  $cc1999.")], 1999),
        ([coded(), ("264", " 4$c©2001"), ("264", " 1$c2003")], 2003),
        ([coded(), ("264", " 4$c©2001")], 2001),
        ([coded(), ("260", "  $c2024 [1967]")], 1967),
        ([coded(), ("260", "  $c[between 1920 and 1929]")], 1920),
        ([coded(), ("260", "  $c١٩٨٥")], 1985),
        ([coded(p6="s9999"), ("260", "  $cn.d.")], None),
        ([coded(p6="s0985")], None),
        ([coded(), ("260", "  $c[19--]")], None),
        ([coded(), ("260", "  $c12345")], None),
        ([coded(), ("260", "  $c" + "[" * 9_000)], None),
        ([("008", "short")], None),
        ([], 1984),
    ],
)
def test_year_of_publication(facts, fields, year):
    assert facts(*fields).year == year


@pytest.mark.parametrize(
    ("fields", "languages"),
    [
        ([coded(p35="ita")], ("ita",)),
        ([coded(p35="ita"), ("041", "1 $aita$heng")], ("ita",)),
        ([coded(p35="eng"), ("041", "0 $aeng$afre$dger")], ("eng", "fre", "ger")),
        ([coded(p35="eng"), ("041", "0 $aengfreger")], ("eng", "fre", "ger")),
        ([coded(p35="   "), ("041", "0 $arus")], ("rus",)),
        ([coded(p35="|||")], ()),
        ([coded(p35="und")], ()),
        ([coded(p35="ENG")], ("eng",)),
        ([coded(p35="scr"), ("041", "07$adeu$afra$2iso639-2")], ("hrv", "ger", "fre")),
        ([coded(p35="mul")], ("mul",)),
        ([coded(), ("041", "0 $aEnglish$a$aen")], ()),
        ([("008", "short")], ()),
    ],
)
def test_languages(facts, fields, languages):
    found = facts(*fields)
    assert found.languages == languages
    assert found.language == (languages[0] if languages else "")


@pytest.mark.parametrize(
    ("leader_6_7", "fields", "material"),
    [
        ("am", [], MaterialType.BOOK),
        ("aa", [], MaterialType.BOOK),
        ("as", [], MaterialType.SERIAL),
        ("ai", [], MaterialType.SERIAL),
        ("ab", [], MaterialType.SERIAL),
        ("am", [coded(p23="o")], MaterialType.EBOOK),
        ("am", [coded(p23="s")], MaterialType.EBOOK),
        ("am", [coded(p23="r")], MaterialType.BOOK),
        ("am", [("007", "cr un")], MaterialType.EBOOK),
        ("am", [("338", "  $aonline resource$bcr")], MaterialType.EBOOK),
        ("am", [("008", "")], MaterialType.BOOK),
        ("tm", [], MaterialType.MANUSCRIPT),
        ("cm", [], MaterialType.SCORE),
        ("dm", [], MaterialType.SCORE),
        ("em", [], MaterialType.MAP),
        ("fm", [], MaterialType.MAP),
        ("gm", [coded(p33="v")], MaterialType.FILM),
        ("gm", [coded(p33="m")], MaterialType.FILM),
        ("gm", [coded(p33="s")], MaterialType.PICTURE),
        ("gm", [("008", "")], MaterialType.FILM),
        ("im", [], MaterialType.AUDIOBOOK),
        ("jm", [], MaterialType.MUSIC),
        ("km", [], MaterialType.PICTURE),
        ("mm", [coded(p26="b")], MaterialType.SOFTWARE),
        ("mm", [coded(p26="g")], MaterialType.GAME),
        ("mm", [coded(p26="d")], MaterialType.EBOOK),
        ("mm", [("008", "")], MaterialType.SOFTWARE),
        ("om", [], MaterialType.KIT),
        ("pm", [], MaterialType.OTHER),
        ("rm", [coded(p33="g")], MaterialType.GAME),
        ("rm", [coded(p33="r")], MaterialType.THING),
        (" m", [], MaterialType.OTHER),
    ],
)
def test_material_type(facts, leader_6_7, fields, material):
    assert facts(*fields, leader=f"00000n{leader_6_7} a2200000   4500").material_type is material


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("9780140283334", "9780140283334"),
        ("978-0-14-028333-4", "9780140283334"),
        ("0140283331", "9780140283334"),
        ("0-14-028333-1 (pbk.) :", "9780140283334"),
        ("0140283331 : £5.99", "9780140283334"),
        ("0140283331(pbk)", "9780140283334"),
        ("ISBN 0-14-028333-1", "9780140283334"),
        ("ISBN: 978 0 14 028333 4", "9780140283334"),
        ("978\u20110\u201314\u2010028333\u22124", "9780140283334"),
        ("080442957X", "9780804429573"),
        ("080442957x", "9780804429573"),
        ("9791032300824", "9791032300824"),
        ("0140283332", ""),  # wrong check digit
        ("9780140283335", ""),
        ("97801402833345", ""),  # a digit too many
        ("4006381333931", ""),  # an EAN, but no book
        ("014028333", ""),
        ("(pbk.)", ""),
        ("", ""),
        ("0" * 9_999, ""),
    ],
)
def test_isbn_of_a_text(text, number):
    assert isbn13(text) == number


def test_isbns_of_a_record_valid_once_each_and_the_others_kept_apart(facts):
    found = facts(
        ("020", "  $a0140283331 (pbk.)$z0140283332"),
        ("020", "  $a9780140283334"),
        ("020", "  $a975-19-0787-9 (hardback)$cL. 500"),
        ("020", "  $z080442957X"),
        ("020", "  $z0-14-028333-1"),
        ("020", "  $a$qpbk."),
    )
    assert found.isbns == ("9780140283334",)
    assert found.invalid_isbns == ("0140283332", "975-19-0787-9", "9780804429573")


def test_issns_of_a_record(facts):
    found = facts(
        ("022", "0 $a0028-0836$y0028-0837"), ("022", "  $a00280836"), ("022", "  $aISSN 2434-561x :")
    )
    assert found.issns == ("0028-0836", "2434-561X")
    assert facts(("022", "  $a0028-0837")).issns == ()
