"""A `Book` as a MARC 21 bibliographic record, by RDA and with ISBD punctuation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pymarc import Field, Indicators, Record, Subfield

from saas.demo.books.codes import AUDIENCES, FORMS, LANGUAGES
from saas.demo.books.control import LAST_TRANSACTION, fixed_field, leader
from saas.demo.books.headings import (
    close,
    name_subfields,
    nonfiling,
    script_code,
    split_name,
    stopped,
    subject_subfields,
)
from saas.demo.books.source import Book, Original
from saas.demo.books.statement import statement_of

#: MARC organisation code of the demo (003, 040); not a registered one.
AGENCY = "LibraryHub"


@dataclass(slots=True)
class _Links:
    """The fields 880 of one record, numbered in the order of the fields that they repeat."""

    fields: list[Field] = field(default_factory=list)

    def pair(self, main: Field, subfields: Sequence[Subfield]) -> None:
        """Tie `main` to a copy of itself in another script."""
        number = f"{len(self.fields) + 1:02d}"
        main.subfields.insert(0, Subfield("6", f"880-{number}"))
        code = script_code("".join(item.value for item in subfields))
        link = Subfield("6", f"{main.tag}-{number}/{code}")
        self.fields.append(_field("880", str(main.indicator1), str(main.indicator2), [link, *subfields]))


def marc_record(book: Book) -> Record:
    """The record of `book`: the same book gives the same bytes.

    Raises:
        ValueError: a text in another script that is Latin after all.
    """
    links = _Links()
    record = Record(force_utf8=True)
    record.leader = leader()
    record.fields = [
        *_control_fields(book),
        *_codes(book),
        *_names_and_titles(book, links),
        *_publication(book, links),
        *_notes(book),
        *_subjects(book),
        *_other_people(book),
        *_series_added(book),
    ]
    record.fields.extend(links.fields)
    return record


def _field(tag: str, first: str, second: str, subfields: Sequence[Subfield]) -> Field:
    return Field(tag=tag, indicators=Indicators(first, second), subfields=list(subfields))


def _simple(tag: str, first: str, second: str, *pairs: tuple[str, str]) -> Field:
    return _field(tag, first, second, [Subfield(code, text) for code, text in pairs if text])


def _control_fields(book: Book) -> list[Field]:
    return [
        Field(tag="001", data=book.control_number),
        Field(tag="003", data=AGENCY),
        Field(tag="005", data=LAST_TRANSACTION),
        Field(tag="008", data=fixed_field(book)),
    ]


def _codes(book: Book) -> Iterator[Field]:
    """020 to 082: numbers, cataloguing agency, languages, class."""
    if book.isbn:
        yield _simple("020", " ", " ", ("a", book.isbn))
    yield _simple("040", " ", " ", ("a", AGENCY), ("b", "eng"), ("e", "rda"), ("c", AGENCY))
    if book.original and book.is_translation:
        pairs = [*(("a", code) for code in book.languages), ("h", book.original.language)]
        yield _simple("041", "1", " ", *pairs)
    yield _simple("082", "0", "4", ("a", book.dewey), ("2", "23"))


def _names_and_titles(book: Book, links: _Links) -> Iterator[Field]:
    """100, 130 or 240, 245 and 250, with their copies in another script."""
    if book.author:
        yield _author(book, links)
    if book.original and book.original.title:
        yield _uniform_title(book, book.original, links)
    yield _title(book, links)
    if book.edition:
        yield _simple("250", " ", " ", ("a", stopped(book.edition)))


def _author(book: Book, links: _Links) -> Field:
    name = split_name(book.author)
    roles = ["author", *(["illustrator"] if book.author in book.illustrators else [])]
    author = _field("100", name.indicator, " ", name_subfields(name.parts, roles))
    if book.script.author:
        links.pair(author, name_subfields(split_name(book.script.author).parts, roles))
    return author


def _uniform_title(book: Book, original: Original, links: _Links) -> Field:
    """240 under an author, 130 without one; $l only where the text is not in the language of the work."""
    skipped = str(nonfiling(original.title, original.language))
    language = " & ".join(LANGUAGES[code] for code in book.languages) if book.is_translation else ""

    def parts(title: str) -> list[Subfield]:
        if language:
            return close([Subfield("a", stopped(title)), Subfield("l", language)])
        return close([Subfield("a", title)])

    indicators = ("240", "1", skipped) if book.author else ("130", skipped, " ")
    uniform = _field(*indicators, parts(original.title))
    if original.script:
        links.pair(uniform, parts(original.script))
    return uniform


def _title(book: Book, links: _Links) -> Field:
    has_main_entry = bool(book.author or (book.original and book.original.title))
    subfields = _title_subfields(
        book.title,
        subtitle=book.subtitle,
        part=(book.part_number, book.part_title),
        statement=statement_of(book),
    )
    skipped = nonfiling(book.title, book.language)
    title = _field("245", "1" if has_main_entry else "0", str(skipped), subfields)
    if book.script.title:
        main, _, rest = book.script.title.partition(" : ")
        credit = split_name(book.script.author).credited(book.language) if book.script.author else ""
        links.pair(title, _title_subfields(main, subtitle=rest, part=("", ""), statement=credit))
    return title


def _title_subfields(title: str, *, subtitle: str, part: tuple[str, str], statement: str) -> list[Subfield]:
    """$a title : $b rest. $n number, $p part / $c statement."""
    pieces = [("a", "", title), ("b", " :", subtitle), ("n", ".", part[0])]
    pieces += [("p", "," if part[0] else ".", part[1]), ("c", " /", statement)]
    present = [piece for piece in pieces if piece[2]]
    marks = [mark for _, mark, _ in present[1:]] + [""]
    return close([Subfield(code, text + mark) for (code, _, text), mark in zip(present, marks, strict=True)])


def _publication(book: Book, links: _Links) -> Iterator[Field]:
    """264 to 490: who published it when, and how big it is."""
    years = f"{book.year}-{book.last_year}" if book.last_year else f"{book.year}"
    imprint = _field("264", " ", "1", _imprint(book.place, book.publisher, years))
    if book.script.imprint:
        place, _, publisher = book.script.imprint.partition(" : ")
        links.pair(imprint, _imprint(place, publisher, years))
    yield imprint
    pictures = "illustrations" if book.is_illustrated else ""
    yield _simple("300", " ", " ", ("a", f"{book.extent} :" if pictures else book.extent), ("b", pictures))
    if FORMS[book.form].comic:
        yield _simple("336", " ", " ", ("a", "still image"), ("b", "sti"), ("2", "rdacontent"))
    yield _simple("336", " ", " ", ("a", "text"), ("b", "txt"), ("2", "rdacontent"))
    yield _simple("337", " ", " ", ("a", "unmediated"), ("b", "n"), ("2", "rdamedia"))
    yield _simple("338", " ", " ", ("a", "volume"), ("b", "nc"), ("2", "rdacarrier"))
    if book.series:
        yield _field("490", "1", " ", _series(book))


def _imprint(place: str, publisher: str, years: str) -> list[Subfield]:
    """$a place : $b publisher, $c years."""
    pieces = [("a", place, " :" if publisher else ","), ("b", publisher, ","), ("c", years, ".")]
    return [Subfield(code, text + mark) for code, text, mark in pieces if text]


def _series(book: Book) -> list[Subfield]:
    if not book.series_number:
        return [Subfield("a", book.series)]
    return [Subfield("a", f"{book.series} ;"), Subfield("v", book.series_number)]


def _notes(book: Book) -> Iterator[Field]:
    if book.note:
        yield _simple("500", " ", " ", ("a", book.note))
    if book.original and book.original.year:
        language = LANGUAGES[book.original.language]
        yield _simple("500", " ", " ", ("a", f"First published in {language}, {book.original.year}."))
    yield _simple("520", " ", " ", ("a", book.summary))
    if book.ages:
        low, _, high = book.ages.partition("-")
        yield _simple("521", "8", " ", ("a", f"Ages {low} to {high}."))
    elif book.audience:
        yield _simple("521", "8", " ", ("a", AUDIENCES[book.audience].words))


def _subjects(book: Book) -> Iterator[Field]:
    """600 to 655: second indicator 0 for headings of the Library of Congress, 7 with $2 for the others."""
    for heading in book.people:
        name = split_name(heading.split(" -- ")[0])
        yield _field("600", name.indicator, "0", subject_subfields(heading, person=True))
    for heading in book.organisations:
        yield _field("610", "2", "0", subject_subfields(heading))
    for heading in book.subjects:
        yield _field("650", " ", "0", subject_subfields(heading))
    for heading in book.topics:
        yield _field("650", " ", "7", [*subject_subfields(heading), Subfield("2", "local")])
    for heading in book.places:
        yield _field("651", " ", "0", subject_subfields(heading))
    for genre in book.genres:
        yield _field("655", " ", "7", [Subfield("a", stopped(genre)), Subfield("2", "lcgft")])


def _other_people(book: Book) -> Iterator[Field]:
    """700: one field for each person but the author, who carries every role in 100."""
    roles: dict[str, list[str]] = {}
    for names, role in (
        (book.coauthors, "author"),
        (book.translators, "translator"),
        (book.illustrators, "illustrator"),
    ):
        for heading in names:
            roles.setdefault(heading, []).append(role)
    for person in book.contributors:
        roles.setdefault(person.name, []).append(person.role)
    roles.pop(book.author, None)
    for heading, done in roles.items():
        name = split_name(heading)
        yield _field("700", name.indicator, " ", name_subfields(name.parts, done))


def _series_added(book: Book) -> Iterator[Field]:
    if book.series:
        yield _field("830", " ", str(nonfiling(book.series, book.language)), close(_series(book)))
