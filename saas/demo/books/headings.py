"""Names, titles and subjects as MARC 21 writes them: in subfields, with the punctuation of ISBD and RDA."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from pymarc import Subfield

from saas.demo.books.codes import (
    ARTICLES,
    FAMILY_NAME_FIRST,
    FORM_SUBDIVISIONS,
    PERIOD_SUBDIVISIONS,
    PLACE_SUBDIVISIONS,
)

#: A subfield before its punctuation: code and text.
Part = tuple[str, str]

_DATES = re.compile(r"(?:active |approximately |-)*\d")
_QUALIFIED = re.compile(r"(?P<entry>.*?) (?P<qualifier>\(.*\))")
_TITLE_MARK = "$c "

#: The first word of a letter's Unicode name -> the script code of $6, with /r where lines run from the right.
#: Source: MARC 21 Format for Bibliographic Data, appendix A.
_SCRIPTS = {
    "ARABIC": "(3/r",
    "CJK": "$1",
    "CYRILLIC": "(N",
    "GREEK": "(S",
    "HANGUL": "$1",
    "HEBREW": "(2/r",
    "HIRAGANA": "$1",
    "KATAKANA": "$1",
}


@dataclass(frozen=True, slots=True)
class PersonName:
    """An inverted heading in its pieces; empty where there is none. `qualifier` keeps its brackets."""

    entry: str
    qualifier: str = ""
    title: str = ""
    dates: str = ""

    @property
    def indicator(self) -> str:
        """First indicator of 100, 600 and 700: "1" for a family name first, "0" for a bare name."""
        return "1" if "," in self.entry else "0"

    @property
    def parts(self) -> list[Part]:
        """The subfields $a, $q (or $c in brackets for a bare name), $c and $d."""
        code = "q" if self.indicator == "1" else "c"
        pieces = [("a", self.entry), (code, self.qualifier), ("c", self.title), ("d", self.dates)]
        return [(key, text) for key, text in pieces if text]

    def credited(self, language: str) -> str:
        """The name as a title page in `language` (MARC code) gives it: `Jane Austen`, `Natsume Sōseki`."""
        family, comma, given = self.entry.partition(", ")
        if not comma:
            return self.entry
        if language in FAMILY_NAME_FIRST:
            return f"{family} {given}" if given.isascii() or _is_latin(given) else f"{family}{given}"
        return f"{given} {family}" + (", Jr." if self.title == "Jr." else "")


def split_name(name: str) -> PersonName:
    """A heading as `source` writes it, in pieces.

    >>> split_name("Tolkien, J. R. R. (John Ronald Reuel), 1892-1973").qualifier
    '(John Ronald Reuel)'
    """
    pieces = name.split(", ")
    dates = pieces.pop() if len(pieces) > 1 and _DATES.match(pieces[-1]) else ""
    title = pieces.pop().removeprefix(_TITLE_MARK) if pieces[-1].startswith(_TITLE_MARK) else ""
    entry = ", ".join(pieces)
    match = _QUALIFIED.fullmatch(entry)
    if match:
        return PersonName(match["entry"], match["qualifier"], title, dates)
    return PersonName(entry, "", title, dates)


def name_subfields(parts: Sequence[Part], roles: Sequence[str]) -> list[Subfield]:
    """A name and what the person did, closed: `$a Austen, Jane, $d 1775-1817, $e author.`"""
    return close(_chain([*parts, *(("e", role) for role in roles)]))


def subject_subfields(heading: str, *, person: bool = False) -> list[Subfield]:
    """A subject heading with its subdivisions as form ($v), topic ($x), period ($y) or place ($z)."""
    main, *divisions = heading.split(" -- ")
    first = _chain(split_name(main).parts) if person else [Subfield("a", main)]
    return close([*first, *(Subfield(_division_code(division), division) for division in divisions)])


def close(subfields: Sequence[Subfield]) -> list[Subfield]:
    """The subfields with a full stop at the end, unless the last one ends in a mark of its own."""
    *most, last = subfields
    return [*most, Subfield(last.code, stopped(last.value))]


def stopped(text: str) -> str:
    """`text` with a full stop, unless it ends in a mark that takes its place."""
    return text if text[-1] in ".?!-)" else f"{text}."


def nonfiling(title: str, language: str) -> int:
    """How many characters filing skips: the article of `language` (MARC code) and its space, else 0."""
    lower = title.casefold().replace("\u2019", "'")
    for article in ARTICLES.get(language, ()):
        lead = article if article.endswith("'") else f"{article} "
        if lower.startswith(lead):
            return len(lead)
    return 0


def script_code(text: str) -> str:
    """The script of `text` for $6, read off its first letter that is not Latin.

    Raises:
        ValueError: every letter is Latin, so a linked field would repeat the main one.
    """
    for letter in filter(str.isalpha, text):
        script = unicodedata.name(letter).split()[0]
        if script in _SCRIPTS:
            return _SCRIPTS[script]
    raise ValueError(f"no script for {text!r}")


def _is_latin(text: str) -> bool:
    return all(unicodedata.name(letter).startswith("LATIN") for letter in filter(str.isalpha, text))


def _division_code(division: str) -> str:
    if division in FORM_SUBDIVISIONS:
        return "v"
    if division in PLACE_SUBDIVISIONS:
        return "z"
    if division in PERIOD_SUBDIVISIONS or any(map(str.isdigit, division)):
        return "y"
    return "x"


def _chain(parts: Sequence[Part]) -> list[Subfield]:
    """Parts joined by commas, but for a bracket that follows and an open date that precedes."""
    followers: list[Part | None] = [*parts[1:], None]
    chained = []
    for (code, text), after in zip(parts, followers, strict=True):
        bare = after is None or after[1].startswith("(") or text.endswith("-")
        chained.append(Subfield(code, text if bare else f"{text},"))
    return chained
