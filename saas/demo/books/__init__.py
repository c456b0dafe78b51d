"""The catalogue that the demo ships: facts about well-known books, kept as TOML and built into MARC 21."""

from __future__ import annotations

from pathlib import Path

#: The built file: MARC 21 in ISO 2709, UTF-8. `python -m saas.demo.books.build` writes it from `SOURCES`.
BOOKS_FILE: Path = Path(__file__).parent / "books.mrc"

#: The folder of the TOML files, one table for each book, named by its control number (`lhb00001`).
SOURCES: Path = Path(__file__).parent / "sources"

_RECORD_END = b"\x1d"


def book_count() -> int:
    """How many records `BOOKS_FILE` holds.

    ISO 2709 ends each record with 0x1D, a byte that can occur nowhere else in UTF-8 text of a record.

    Raises:
        FileNotFoundError: the file was removed.
    """
    return BOOKS_FILE.read_bytes().count(_RECORD_END)
