"""The books as people write them down: TOML tables read into `Book`, and every mistake named with its book.

A table's name is the control number of the record and never changes. Names are inverted headings, with dates
where they are sure (`Austen, Jane, 1775-1817`); a person's title is marked (`Marcus Aurelius, $c Emperor of
Rome, 121-180`). Subdivisions of headings follow ` -- `.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Container, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from saas.demo.books.codes import AUDIENCES, COUNTRIES, FORMS, LANGUAGES

_CONTROL_NUMBER = re.compile(r"lhb\d{5}")
T = TypeVar("T")


class SourceError(ValueError):
    """A book that cannot become a record; the message names the file or the book and what to correct."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributor:
    """Another person of the book and what they did, in a word of the MARC relator list."""

    name: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The work behind the book: its language, its title in Latin letters and in its own, its first year."""

    language: str
    title: str = ""
    script: str = ""
    year: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The same facts in their own script, for the linked fields 880. `imprint` is `place : publisher`."""

    title: str = ""
    author: str = ""
    imprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One book. What is not sure is left empty: text "", years 0, lists ().

    `year` to `last_year` are the years on the title pages; `place` is as stated there and one of
    `codes.COUNTRIES`; `topics` are headings of our own, where none of the Library of Congress is sure.
    """

    control_number: str
    title: str
    year: int
    language: str
    dewey: str
    form: str
    summary: str
    subtitle: str = ""
    part_number: str = ""
    part_title: str = ""
    author: str = ""
    credited_as: str = ""
    statement: str = ""
    coauthors: tuple[str, ...] = ()
    translators: tuple[str, ...] = ()
    illustrators: tuple[str, ...] = ()
    contributors: tuple[Contributor, ...] = ()
    illustrated: bool = False
    last_year: int = 0
    place: str = ""
    publisher: str = ""
    edition: str = ""
    extent: str = "1 volume"
    isbn: str = ""
    text_languages: tuple[str, ...] = ()
    original: Original | None = None
    script: Script = field(default_factory=Script)
    audience: str = ""
    ages: str = ""
    series: str = ""
    series_number: str = ""
    subjects: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    note: str = ""

    @property
    def languages(self) -> tuple[str, ...]:
        """Every language of the text, the main one first."""
        return self.text_languages or (self.language,)

    @property
    def is_translation(self) -> bool:
        """True when the text was first written in another language than the book's."""
        return self.original is not None and self.original.language != self.language

    @property
    def is_illustrated(self) -> bool:
        """True when the book is known to have pictures."""
        return self.illustrated or bool(self.illustrators) or FORMS[self.form].comic


def load_books(folder: Path) -> list[Book]:
    """Every book of the `*.toml` files in `folder`, by control number.

    Raises:
        SourceError: TOML that cannot be read, an unknown or missing key, a value of the wrong kind, a code
            that is not in `codes`, a control number of the wrong form or used twice, or no book at all.
    """
    books: dict[str, Book] = {}
    for file in sorted(folder.glob("*.toml")):
        try:
            tables = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SourceError(f"{file.name}: {error}") from error
        for number, table in tables.items():
            if number in books:
                raise SourceError(f"{file.name}: {number} is used twice")
            books[number] = read_book(number, table)
    if not books:
        raise SourceError(f"no book in {folder.name}")
    return [books[number] for number in sorted(books)]


def read_book(number: str, table: Mapping[str, Any]) -> Book:
    """One table as a `Book`, checked.

    Raises:
        SourceError: as `load_books`.
    """
    if not _CONTROL_NUMBER.fullmatch(number):
        raise SourceError(f"{number}: a control number is lhb and five digits")
    book: Book = _read(Book, {"control_number": number, **table}, number)
    _check_codes(book)
    return book


def _read(kind: type[T], table: Mapping[str, Any], where: str) -> T:
    known = {item.name: item for item in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise SourceError(f"{where}: unknown key {unknown[0]}")
    missing = [
        name
        for name, item in known.items()
        if item.default is MISSING and item.default_factory is MISSING and not table.get(name)
    ]
    if missing:
        raise SourceError(f"{where}: {missing[0]} is missing")
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints[name], value, f"{where}: {name}") for name, value in table.items()})


def _value(kind: Any, value: Any, where: str) -> Any:
    """`value` of TOML as the field's kind. Empty values are refused: they would make empty subfields."""
    if kind == tuple[str, ...]:
        if isinstance(value, list) and value:
            return tuple(_value(str, item, where) for item in value)
    elif kind == tuple[Contributor, ...]:
        if isinstance(value, list) and value:
            return tuple(_value(Contributor, item, where) for item in value)
    elif kind in (Contributor, Script):
        if isinstance(value, dict):
            return _read(kind, value, where)
    elif kind == Original | None:
        if isinstance(value, dict):
            return _read(Original, value, where)
    elif type(value) is kind and value and (kind is not str or value == value.strip()):
        return value
    raise SourceError(f"{where} has the wrong kind of value: {value!r}")


def _check_codes(book: Book) -> None:
    original = [book.original.language] if book.original else []
    used: list[tuple[str, Container[str], str]] = [
        *((code, LANGUAGES, "language") for code in (book.language, *book.languages, *original)),
        (book.form, FORMS, "form"),
        (book.place, COUNTRIES, "place"),
        (book.audience, AUDIENCES, "audience"),
    ]
    for code, known, what in used:
        if code and code not in known:
            raise SourceError(f"{book.control_number}: unknown {what} {code!r}")
