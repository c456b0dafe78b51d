"""The fixed-length parts of a record: leader, 005 and 008, with dates that are the same in every build."""

from __future__ import annotations

from pymarc import Leader

from saas.demo.books.codes import AUDIENCES, COUNTRIES, FORMS, NO_COUNTRY
from saas.demo.books.source import Book

#: 008/00-05 and 005 of every record: the day the catalogue was put together, not the day of a build.
ENTERED = "261120"
LAST_TRANSACTION = "20261120000000.0"

#: New record, language material, monograph, UTF-8, minimal level, ISBD punctuation; pymarc sets the lengths.
_LEADER = "00000nam a22000007i 4500"


def leader() -> Leader:
    """A fresh leader; writing the record sets its length and the base address of its data."""
    return Leader(_LEADER)


def fixed_field(book: Book) -> str:
    """008 of a book: 40 characters. Where nobody looked (pictures, index) it holds the fill character."""
    form = FORMS[book.form]
    audience = AUDIENCES[book.audience].code if book.audience else " "
    return "".join(
        (
            ENTERED,  # 00-05
            "m" if book.last_year else "s",  # 06: several years or one
            f"{book.year:04d}",  # 07-10
            f"{book.last_year:04d}" if book.last_year else " " * 4,  # 11-14
            COUNTRIES[book.place] if book.place else NO_COUNTRY,  # 15-17
            "a   " if book.is_illustrated else "||||",  # 18-21
            audience,  # 22
            " ",  # 23: form of item, an ordinary print
            "6   " if form.comic else "    ",  # 24-27: nature of contents
            " ",  # 28: no government publication
            "0",  # 29: no conference
            "0",  # 30: no festschrift
            "|",  # 31: index, not looked up
            " ",  # 32: undefined
            form.literary,  # 33
            form.biography,  # 34
            book.language,  # 35-37
            " ",  # 38: not modified
            "d",  # 39: catalogued by another agency than a national library
        )
    )
