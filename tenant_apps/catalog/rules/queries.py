"""What a reader types into the search box, as a PostgreSQL tsquery. Nothing typed is an error.

Words must all occur, in any order and any field; "quoted words" must stand together; -word must not occur;
the last word may be the beginning of one; an ISBN is found in any form. The words are cut by the same
function that cut the record's (`marc.search_words`), so the database's own parser, which splits differently
by server locale, has no part in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stdnum import isbn as stdnum_isbn

from tenant_apps.catalog.marc import fold, search_words

MAX_QUERY_LENGTH = 500  # characters
MAX_TERMS = 60
MAX_WORD_LENGTH = 100  # characters; a longer word is cut in documents and queries alike
MAX_WHOLE_TITLE = 200  # characters
MIN_PREFIX_LENGTH = 2  # one Latin letter as a beginning would match a good part of the catalogue

# Quotation marks and hyphens of other keyboards, by code point: most look like their plain sisters.
_QUOTES = dict.fromkeys([0x201C, 0x201D, 0x201E, 0x201F, 0xAB, 0xBB, 0xFF02], '"')
_DASHES = dict.fromkeys([0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2212], "-")
_TOKEN = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))')
_ISBN = re.compile(r"(?:isbn(?:-1[03])?:?\s*)?([0-9][0-9 -]{8,20}[0-9Xx])", re.IGNORECASE | re.ASCII)
# Leading articles that cataloguers leave out of the sort title.
_ARTICLES = frozenset(
    {"the", "a", "an", "der", "die", "das", "ein", "eine", "le", "la", "les", "l", "un", "une"}
    | {"il", "lo", "gli", "i", "el", "los", "las", "o", "os", "as"}
)

Term = tuple[str, ...]  # one word, or several that stand together


@dataclass(frozen=True, slots=True)
class Query:
    """A search as it was understood. `text` is what was typed, trimmed."""

    text: str
    terms: tuple[Term, ...] = ()
    excluded: tuple[Term, ...] = ()
    prefix: bool = False

    @property
    def is_blank(self) -> bool:
        """Nothing was typed: every title matches."""
        return not self.text

    @property
    def is_hopeless(self) -> bool:
        """Something was typed that holds no letter or digit: no title can match."""
        return bool(self.text) and not self.terms

    @property
    def tsquery(self) -> str:
        """The search in PostgreSQL's own notation; empty where there is nothing to look for."""
        parts = [_written(term) for term in self.terms]
        if parts and self.prefix:
            parts[-1] += ":*"
        parts += [f"!({_written(term)})" for term in self.excluded]
        return " & ".join(parts) if self.terms else ""

    @property
    def exact_tsquery(self) -> str:
        """Finds, in title vectors, the titles that are exactly what was typed; empty without a letter or
        digit.
        """
        return " | ".join(quote_lexeme(lexeme) for lexeme in whole_title_lexemes(self.text))

    @property
    def words(self) -> tuple[str, ...]:
        """The words to look for, each once, without those that must not occur."""
        return tuple(dict.fromkeys(word for term in self.terms for word in term))


def parse_query(text: str) -> Query:
    """Understand what was typed. Never raises; what is beyond MAX_TERMS terms is ignored."""
    typed = text.translate(_QUOTES).translate(_DASHES).strip()
    whole = _isbn13(typed)
    if whole:
        return Query(typed, terms=((whole,),))
    terms: list[Term] = []
    excluded: list[Term] = []
    prefix = False
    for match in _TOKEN.finditer(typed):
        found, open_ended = _terms_of(match)
        if not found:
            continue
        (excluded if match["minus"] else terms).extend(found)
        prefix = open_ended and not match["minus"]
    if not terms:  # a search for nothing but exclusions would read the whole catalogue
        terms, excluded, prefix = excluded, [], False
    terms, cut = terms[:MAX_TERMS], len(terms) > MAX_TERMS
    prefix = prefix and not cut and bool(terms) and _may_be_prefix(terms[-1][-1])
    return Query(typed, tuple(terms), tuple(excluded[:MAX_TERMS]), prefix)


def _terms_of(match: re.Match[str]) -> tuple[list[Term], bool]:
    """The terms of one token, and whether its last word may go on."""
    if match["phrase"] is not None:
        words = cut_words(match["phrase"])
        return ([tuple(words)] if words else []), False
    number = _isbn13(match["word"])
    if number:
        return [(number,)], False
    words = cut_words(match["word"])
    if match["minus"]:
        return ([tuple(words)] if words else []), False
    return [(word,) for word in words], bool(words)


def cut_words(text: str) -> list[str]:
    """The words that documents and queries have in common, folded, in order."""
    return [word[:MAX_WORD_LENGTH] for word in search_words(text).split()]


def whole_title_lexemes(title: str) -> list[str]:
    """A title as one lexeme, with and without its leading article; none for a title without a letter or
    digit.

    The equals sign keeps them apart from words, which never hold one.
    """
    words = fold(title).split()
    if not words:
        return []
    forms = [words, words[1:]] if len(words) > 1 and words[0] in _ARTICLES else [words]
    return [f"={' '.join(form)[:MAX_WHOLE_TITLE]}" for form in forms]


def _isbn13(text: str) -> str:
    """The 13 digits of a valid ISBN of either length, however it is divided; else an empty string."""
    match = _ISBN.fullmatch(text)
    if not match or not stdnum_isbn.is_valid(match[1]):
        return ""
    return str(stdnum_isbn.to_isbn13(stdnum_isbn.compact(match[1])))


def _may_be_prefix(word: str) -> bool:
    return len(word) >= MIN_PREFIX_LENGTH or not word.isascii()


def _written(term: Term) -> str:
    return " <-> ".join(quote_lexeme(word) for word in term)


def quote_lexeme(word: str) -> str:
    """A word as tsquery and tsvector input read it; quoting leaves no character with a meaning."""
    escaped = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
