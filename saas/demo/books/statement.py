"""The statement of responsibility of 245 $c: who made the book, as its title page would say it."""

from __future__ import annotations

from collections.abc import Sequence

from saas.demo.books.headings import split_name
from saas.demo.books.source import Book


def statement_of(book: Book) -> str:
    """The words after the slash, "" where nobody is named.

    Books in English name everybody; others name only the authors, whose names need no words around them.
    """
    if book.statement:
        return book.statement
    authors = [book.credited_as or split_name(book.author).credited(book.language)] if book.author else []
    authors += [_credited(name) for name in book.coauthors]
    if book.language != "eng":
        return ", ".join(authors)
    clauses = [
        _listed(authors),
        _clause("translated by", book.translators),
        _clause("illustrated by", [name for name in book.illustrators if name != book.author]),
        _clause("edited by", [person.name for person in book.contributors if person.role == "editor"]),
        _clause(
            "with an introduction by",
            [person.name for person in book.contributors if person.role == "writer of introduction"],
        ),
    ]
    return " ; ".join(clause for clause in clauses if clause)


def _credited(name: str) -> str:
    return split_name(name).credited("eng")


def _clause(words: str, names: Sequence[str]) -> str:
    return f"{words} {_listed([_credited(name) for name in names])}" if names else ""


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
