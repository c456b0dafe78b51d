"""Contributors, subjects, series: names that titles share."""

import pytest

from tenant_apps.catalog.marc import (
    ContributorFacts,
    ContributorKind,
    Role,
    SeriesFacts,
    SubjectFacts,
    SubjectKind,
)

SCORE = "00000ncm a2200000   4500"
MUSIC = "00000njm a2200000   4500"


def test_a_person_has_name_dates_and_role(facts):
    (author,) = facts(("100", "1 $aTolkien, J. R. R.$q(John Ronald Reuel),$d1892-1973.")).contributors
    assert author == ContributorFacts(
        name="Tolkien, J. R. R. (John Ronald Reuel)",
        normalised_name="tolkien j r r john ronald reuel 1892 1973",
        role=Role.AUTHOR,
        kind=ContributorKind.PERSON,
        dates="1892-1973",
        is_main=True,
    )


@pytest.mark.parametrize(
    ("tag", "content", "name", "kind"),
    [
        (
            "100",
            "0 $aElizabeth$bII,$cQueen of Great Britain,$d1926-",
            "Elizabeth II, Queen of Great Britain",
            "person",
        ),
        ("110", "1 $aUnited States.$bCongress.$bHouse.", "United States. Congress. House", "corporate"),
        ("710", "2 $aPenguin Books Ltd.", "Penguin Books Ltd.", "corporate"),
        ("111", "2 $aWorld Congress$n(3rd :$d1999 :$cRome)", "World Congress (3rd : 1999 : Rome)", "meeting"),
        ("711", "2 $aOlympic Games$d(2012).", "Olympic Games (2012)", "meeting"),
    ],
)
def test_names_of_each_kind(facts, tag, content, name, kind):
    (found,) = facts((tag, content)).contributors
    assert (found.name, found.kind, found.is_main) == (name, kind, tag[0] == "1")
    assert found.dates == ("1926-" if kind == "person" else "")


@pytest.mark.parametrize(
    ("content", "role"),
    [
        ("1 $aX$4edt", Role.EDITOR),
        ("1 $aX$4http://id.loc.gov/vocabulary/relators/trl", Role.TRANSLATOR),
        ("1 $aX$4ill.", Role.ILLUSTRATOR),
        ("1 $aX$4zzz$eeditor", Role.EDITOR),
        ("1 $aX,$eeditor.", Role.EDITOR),
        ("1 $aX,$eeditor of compilation", Role.EDITOR),
        ("1 $aX$ejoint author", Role.AUTHOR),
        ("1 $aX$eTraducteur", Role.TRANSLATOR),
        ("1 $aX$eÜbersetzerin", Role.TRANSLATOR),
        ("1 $aX$ea cura di", Role.EDITOR),
        ("1 $aX$efilm director", Role.DIRECTOR),
        ("1 $aX$enarrator", Role.NARRATOR),
        ("1 $aX$esponsor$ephotographer", Role.PHOTOGRAPHER),
        ("1 $aX$esponsor", Role.CONTRIBUTOR),
        ("1 $aX$4" + "/" * 9_000, Role.CONTRIBUTOR),
        ("1 $aX", Role.CONTRIBUTOR),
    ],
)
def test_roles_come_from_codes_then_terms(facts, content, role):
    assert [found.role for found in facts(("700", content)).contributors] == [role]


def test_the_role_of_a_meeting_stands_in_subfield_j(facts):
    (found,) = facts(("711", "2 $aCongress$eSection of editors$jissuing body")).contributors
    assert found.role is Role.PUBLISHER


def test_a_silent_main_entry_is_author_composer_or_creator_by_material(facts):
    name = ("100", "1 $aBach, J. S.")
    assert facts(name).contributors[0].role is Role.AUTHOR
    assert facts(name, leader=SCORE).contributors[0].role is Role.COMPOSER
    assert facts(name, leader=MUSIC).contributors[0].role is Role.CREATOR


def test_main_entries_come_first_and_each_name_once_in_a_role(facts):
    found = facts(
        ("700", "1 $aB$4edt"),
        ("700", "1 $aB.$4edt"),
        ("700", "1 $aB$4trl"),
        ("100", "1 $aA"),
        ("700", "1 $aA$4aut"),
    ).contributors
    assert [(item.name, item.role) for item in found] == [
        ("A", Role.AUTHOR),
        ("B", Role.EDITOR),
        ("B", Role.TRANSLATOR),
    ]


def test_an_entry_for_another_work_counts_only_if_that_work_is_inside(facts):
    found = facts(
        ("700", "1 $aRelated, R.$tIts source"),
        ("700", "12$aMozart, W. A.,$d1756-1791.$tConcertos,$npiano, K. 466"),
    ).contributors
    assert [(item.name, item.dates) for item in found] == [("Mozart, W. A.", "1756-1791")]


@pytest.mark.parametrize("content", ["1 $a", "1 $a ,.", "1 $d1900", "1 "])
def test_a_name_of_nothing_is_no_contributor(facts, content):
    assert facts(("700", content)).contributors == ()


def test_a_name_of_signs_is_one(facts):
    (band,) = facts(("710", "2 $a!!! (Musical group)"), leader=MUSIC).contributors
    (signs,) = facts(("710", "2 $a!!!"), leader=MUSIC).contributors
    assert (band.normalised_name, signs.normalised_name) == ("musical group", "!!!")


def test_names_and_their_number_are_bounded(facts):
    found = facts(*[("700", f"1 $aName {n}") for n in range(300)]).contributors
    assert len(found) == 200
    (long,) = facts(("700", "1 $a" + "n" * 5_000)).contributors
    assert (len(long.name), len(long.normalised_name)) == (300, 300)


@pytest.mark.parametrize(
    ("tag", "content", "heading", "kind"),
    [
        ("650", " 0$aDogs$xTraining$zItaly$y20th century$vHandbooks.", "Dogs -- Training -- Italy -- 20th century -- Handbooks", SubjectKind.TOPIC),
        ("600", "10$aBaume, Eric,$d1900-1967.", "Baume, Eric, 1900-1967", SubjectKind.PERSON),
        ("600", "10$aKaro, J.$tHilkhot ribit.", "Karo, J. Hilkhot ribit", SubjectKind.PERSON),
        ("610", "20$aChurch of England$xClergy", "Church of England -- Clergy", SubjectKind.CORPORATE),
        ("611", "20$aOlympics$d(1936)", "Olympics (1936)", SubjectKind.MEETING),
        ("630", "00$aBible.$pGenesis.", "Bible. Genesis", SubjectKind.WORK),
        ("648", " 7$a1939-1945$2fast", "1939-1945", SubjectKind.TIME),
        ("651", " 0$aRome (Italy)$xHistory.", "Rome (Italy) -- History", SubjectKind.PLACE),
        ("655", " 7$aNovels.$2lcgft", "Novels", SubjectKind.GENRE),
        ("653", "0 $aWorld War II", "World War II", SubjectKind.KEYWORD),
    ],
)  # fmt: skip
def test_subject_headings(facts, tag, content, heading, kind):
    (found,) = facts((tag, content)).subjects
    assert (found.heading, found.kind) == (heading, kind)


def test_one_heading_from_several_vocabularies_counts_once(facts):
    found = facts(("650", " 0$aDogs."), ("650", " 7$aDogs$2fast$0(OCoLC)1"), ("650", " 1$aDOGS"))
    assert found.subjects == (SubjectFacts("Dogs", "dogs", SubjectKind.TOPIC),)


def test_keywords_stand_for_themselves(facts):
    assert [item.heading for item in facts(("653", "0 $aOne$aTwo$a")).subjects] == ["One", "Two"]


def test_headings_and_their_number_are_bounded(facts):
    assert len(facts(*[("650", f" 0$aTopic {n}") for n in range(400)]).subjects) == 200
    assert len(facts(("650", " 0$a" + "t" * 5_000)).subjects[0].heading) == 300


@pytest.mark.parametrize(
    ("fields", "series"),
    [
        ([("490", "1 $aPenguin classics ;$vno. 12")], [("Penguin classics", "no. 12")]),
        ([("440", " 4$aThe series.$pPart,$v3.")], [("The series. Part", "3")]),
        ([("490", "1 $aShort ;$v1"), ("830", " 0$aTraced form ;$v1")], [("Short", "1")]),
        ([("830", " 0$aTraced form ;$v1")], [("Traced form", "1")]),
        ([("800", "1 $aRowling$tHarry Potter ;$v1.")], [("Harry Potter", "1")]),
        ([("490", "0 $aA"), ("490", "0 $aA ;$v2"), ("490", "0 $aB")], [("A", ""), ("B", "")]),
        ([("490", "0 $a ;")], []),
    ],
)
def test_series(facts, fields, series):
    found = facts(*fields).series
    assert [(item.name, item.volume) for item in found] == series
    assert all(isinstance(item, SeriesFacts) and item.normalised for item in found)
