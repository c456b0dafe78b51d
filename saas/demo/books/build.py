"""Build the demo's catalogue: `python -m saas.demo.books.build`; with `--check` it only compares.

The file depends on the TOML sources alone, so a build on any day gives the same bytes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from saas.demo.books import BOOKS_FILE, SOURCES
from saas.demo.books.record import marc_record
from saas.demo.books.source import SourceError, load_books


def built_file(folder: Path = SOURCES) -> bytes:
    """The records of every book in `folder`, one after another, as ISO 2709 in UTF-8.

    Raises:
        SourceError: a book is wrong (see `load_books`).
    """
    return b"".join(marc_record(book).as_marc() for book in load_books(folder))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file, or check it.

    Returns:
        0 when the file was written or is up to date, 1 when `--check` found it stale or a source is wrong.
    """
    parser = argparse.ArgumentParser(prog="python -m saas.demo.books.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the file is up to date")
    parser.add_argument("--sources", type=Path, default=SOURCES, help="folder of the TOML files")
    parser.add_argument("--output", type=Path, default=BOOKS_FILE, help="the MARC file")
    options = parser.parse_args(arguments)
    try:
        data = built_file(options.sources)
    except SourceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not options.check:
        options.output.write_bytes(data)
        return 0
    if options.output.is_file() and options.output.read_bytes() == data:
        return 0
    sys.stderr.write(f"{options.output.name} is out of date: run python -m saas.demo.books.build\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
