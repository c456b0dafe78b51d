"""Titles typed in by hand become records that are read back to the same facts."""

import io
from datetime import date

import pymarc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenant_apps.catalog.marc import (
    ContributorKind,
    DraftContributor,
    MaterialType,
    RawRecord,
    RecordRejected,
    RejectCode,
    Role,
    TitleDraft,
    build_record,
    extract,
    parse_record,
)

DAY = date(2026, 11, 20)


def rebuilt(draft: TitleDraft):
    return extract(parse_record(RawRecord(1, 0, build_record(draft, entered_on=DAY))))


def test_a_full_draft_comes_back(facts):
    found = rebuilt(
        TitleDraft(
            title="The name of the rose",
            subtitle="a novel",
            contributors=[
                DraftContributor("Eco, Umberto", dates="1932-2016"),
                DraftContributor("Weaver, William", Role.TRANSLATOR),
                DraftContributor("Bompiani", Role.PUBLISHER, ContributorKind.CORPORATE),
            ],
            isbns=["0-15-144647-4", "9780151446476"],
            year=1983,
            language="ENG",
            publisher="Harcourt",
            place="San Diego",
            edition="1st ed.",
            subjects=["Monks", "Italy -- Fiction", " "],
            summary="Murders in an abbey.",
            control_number="r1",
        )
    )
    assert (found.title, found.subtitle, found.sort_title) == (
        "The name of the rose",
        "a novel",
        "name of the rose a novel",
    )
    assert [(item.name, item.role, item.kind, item.is_main) for item in found.contributors] == [
        ("Eco, Umberto", "author", "person", True),
        ("Weaver, William", "translator", "person", False),
        ("Bompiani", "publisher", "corporate", False),
    ]
    assert found.contributors[0].dates == "1932-2016"
    assert found.isbns == ("9780151446476",)
    assert (found.year, found.language) == (1983, "eng")
    assert (found.publisher, found.place, found.edition) == ("Harcourt", "San Diego", "1st ed.")
    assert [item.heading for item in found.subjects] == ["Monks", "Italy -- Fiction"]
    assert (found.summary, found.control_number) == ("Murders in an abbey.", "r1")


def test_a_title_is_enough():
    found = rebuilt(TitleDraft(title="Untitled"))
    assert (found.title, found.year, found.language, found.contributors) == ("Untitled", None, "", ())


def test_the_record_is_sound_for_pymarc_and_needs_no_remark():
    marc = build_record(TitleDraft(title="É", year=2001, language="fre"), entered_on=DAY)
    (record,) = pymarc.MARCReader(io.BytesIO(marc))
    assert record["245"].indicators == ("0", "0")
    assert record["008"].data == "261120s2001    xx " + " " * 17 + "fre d"
    assert len(record["008"].data) == 40
    assert parse_record(RawRecord(1, 0, marc)).warnings == ()


@pytest.mark.parametrize("material", list(MaterialType))
def test_every_material_type_comes_back(material):
    assert rebuilt(TitleDraft(title="T", material_type=material)).material_type is material


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("kind", list(ContributorKind))
def test_every_role_and_kind_comes_back(role, kind):
    (found,) = rebuilt(
        TitleDraft(title="T", contributors=[DraftContributor("Name", role, kind)])
    ).contributors
    assert (found.role, found.kind) == (role, kind)


def test_an_editor_is_no_main_entry():
    found = rebuilt(
        TitleDraft(title="T", contributors=[DraftContributor("E", Role.EDITOR), DraftContributor("A")])
    )
    assert [(item.name, item.is_main) for item in found.contributors] == [("A", True), ("E", False)]


@pytest.mark.parametrize(
    ("title", "language", "key"),
    [
        ("The hobbit", "eng", "hobbit"),
        ("L\u2019altra faccia", "ita", "altra faccia"),
        ("Der Zauberberg", "ger", "zauberberg"),
        ("Die hard", "eng", "die hard"),
        ("The hobbit", "", "the hobbit"),
        ("A", "eng", "a"),
        ("The", "eng", "the"),
    ],
)
def test_articles_are_passed_over_in_their_own_language(title, language, key):
    assert rebuilt(TitleDraft(title=title, language=language)).sort_title == key


def test_delimiters_in_typed_text_make_no_fields():
    evil = "A\x1e245\x1f00\x1fbB\x1dC\x00D\u202eE"
    draft = TitleDraft(title=evil, publisher=evil, contributors=[DraftContributor(evil)], subjects=[evil])
    parsed = parse_record(RawRecord(1, 0, build_record(draft, entered_on=DAY)))
    assert [field.tag for field in parsed.fields] == ["008", "100", "245", "264", "650"]
    assert parsed.index.data("245")[0].first("a") == "A 245 00 bB C D E"


@pytest.mark.parametrize("title", ["", "  ", " / ", "\x00", "\ud800"])
def test_a_blank_title_is_refused(title):
    with pytest.raises(RecordRejected) as caught:
        build_record(TitleDraft(title=title), entered_on=DAY)
    assert caught.value.code is RejectCode.NO_TITLE


def test_too_much_for_one_record_is_refused():
    with pytest.raises(RecordRejected) as caught:
        build_record(TitleDraft(title="T", subjects=[f"{n} {'x' * 290}" for n in range(400)]), entered_on=DAY)
    assert caught.value.code is RejectCode.RECORD_TOO_LONG


@pytest.mark.parametrize(
    ("draft", "message"),
    [
        (TitleDraft(title="T", isbns=["0140283332"]), "not a valid ISBN: 0140283332"),
        (TitleDraft(title="T", isbns=[""]), "not a valid ISBN"),
        (TitleDraft(title="T", year=999), "year 999 is not between"),
        (TitleDraft(title="T", year=20_000), "year 20000 is not between"),
    ],
)
def test_wrong_numbers_are_refused(draft, message):
    with pytest.raises(ValueError, match=message):
        build_record(draft, entered_on=DAY)


@settings(deadline=None)
@given(
    title=st.text(max_size=60),
    name=st.text(max_size=60),
    subject=st.text(max_size=60),
    language=st.text(max_size=4),
)
def test_any_typed_text_makes_a_sound_record_or_is_no_title(title, name, subject, language):
    draft = TitleDraft(
        title=title, contributors=[DraftContributor(name)], subjects=[subject], language=language
    )
    try:
        marc = build_record(draft, entered_on=DAY)
    except RecordRejected as refusal:
        code = refusal.code
    else:
        parsed = parse_record(RawRecord(1, 0, marc))
        assert parsed.marc == marc
        assert extract(parsed).title
        return
    assert code is RejectCode.NO_TITLE
