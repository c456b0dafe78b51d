"""ISBN and ISSN of a record. Check digits and forms by python-stdnum."""

import re

from stdnum import isbn, issn

from .fold import clean_text
from .limits import MAX_IDENTIFIER, MAX_ITEMS
from .record import TagIndex

# Ten or thirteen digits, with hyphens or blanks between them, before any qualifier: "0-14-028333-8 (pbk.)".
_ISBN = re.compile(
    r"(?:ISBN[\s:-]*)?((?:[0-9][\s-]?){9}(?:[0-9][\s-]?){3}[0-9](?![0-9])|(?:[0-9][\s-]?){9}[0-9X](?![0-9]))"
)
_ISSN = re.compile(r"(?:ISSN[\s:]*)?([0-9]{4}[\s-]?[0-9]{3}[0-9X])(?![0-9])")
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
_QUALIFIER = re.compile(r"\s*[(:;].*\Z", re.DOTALL)


def read_isbns(index: TagIndex) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Valid ISBNs as 13 digits (10-digit ones converted), then wrong ones ($a) and cancelled ones ($z).

    Qualifiers are dropped, repetitions too. A cancelled ISBN that is well made is given with 13 digits.
    """
    valid: dict[str, None] = {}
    invalid: dict[str, None] = {}
    for field in index.data("020"):
        for value in field.values("a"):
            number = isbn13(value)
            if number:
                valid[number] = None
            else:
                invalid[_as_found(value)] = None
        for value in field.values("z"):
            invalid[isbn13(value) or _as_found(value)] = None
    kept = tuple(valid)[:MAX_ITEMS]
    return kept, tuple(text for text in invalid if text and text not in valid)[:MAX_ITEMS]


def isbn13(text: str) -> str:
    """The 13 digits of the ISBN at the start of `text`; empty if none or its check digit is wrong."""
    match = _ISBN.match(text.translate(_DASHES).strip().upper())
    if match is None or not isbn.is_valid(match[1]):
        return ""
    return str(isbn.to_isbn13(isbn.compact(match[1])))


def read_issns(index: TagIndex) -> tuple[str, ...]:
    """Valid ISSNs of 022 $a in the form 1234-5678."""
    found: dict[str, None] = {}
    for field in index.data("022"):
        for value in field.values("a"):
            match = _ISSN.match(value.translate(_DASHES).strip().upper())
            if match and issn.is_valid(match[1]):
                found[str(issn.format(issn.compact(match[1])))] = None
    return tuple(found)[:MAX_ITEMS]


def _as_found(value: str) -> str:
    return _QUALIFIER.sub("", clean_text(value, MAX_IDENTIFIER))
