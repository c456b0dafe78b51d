"""What a title is found by, as PostgreSQL tsvectors and as a vocabulary for suggestions.

The vectors are written out here and not by to_tsvector: folding inside the database costs three times as
much, and its parser cuts words by the server's locale. Weights: A title, B people, C subjects and series, D
the rest.
"""

from __future__ import annotations

from collections.abc import Iterable

from tenant_apps.catalog.marc import TitleFacts
from tenant_apps.catalog.rules.queries import cut_words, quote_lexeme, whole_title_lexemes

MAX_POSITION = 16_383  # PostgreSQL, limits of text search
MAX_POSITIONS = 255  # per word, same source
FIELD_GAP = 10  # positions between two fields, so that no phrase runs from one into the next
MAX_LONG_TEXT = 5_000  # characters of summaries and contents that are searched
MIN_VOCABULARY, MAX_VOCABULARY = 3, 40  # letters of a word that may be suggested

Weighted = tuple[str, Iterable[str]]


def search_vector(facts: TitleFacts) -> str:
    """Everything that the search box looks through."""
    return _vector(
        [
            ("A", _titles(facts)),
            ("B", [*(c.name for c in facts.contributors), facts.statement_of_responsibility]),
            ("C", [*(s.heading for s in facts.subjects), *(s.name for s in facts.series)]),
            ("D", _rest(facts)),
        ]
    )


def title_vector(facts: TitleFacts) -> str:
    """The titles alone: far faster to search than one weight of the whole vector, which GIN does not store.

    Each whole title stands there as one lexeme too, so that what is called exactly so can be found first.
    """
    whole = {lexeme for text in _whole_titles(facts) for lexeme in whole_title_lexemes(text)}
    marks = [f"{quote_lexeme(lexeme)}:{MAX_POSITION}A" for lexeme in sorted(whole)]
    return " ".join(filter(None, [_vector([("A", _titles(facts))]), *marks]))


def vocabulary(facts: TitleFacts) -> set[str]:
    """Folded words of titles, names and subjects that a misspelt search may have meant."""
    texts = [*_titles(facts), *(c.name for c in facts.contributors), *(s.heading for s in facts.subjects)]
    words = {word for text in texts for word in cut_words(text)}
    return {word for word in words if word.isalpha() and MIN_VOCABULARY <= len(word) <= MAX_VOCABULARY}


def _titles(facts: TitleFacts) -> list[str]:
    return [facts.title, facts.subtitle, facts.uniform_title, *facts.variant_titles, *facts.original_titles]


def _whole_titles(facts: TitleFacts) -> list[str]:
    return [*_titles(facts), f"{facts.title} {facts.subtitle}"]


def _rest(facts: TitleFacts) -> list[str]:
    long_text = f"{facts.summary} {facts.contents}"[:MAX_LONG_TEXT]
    year = "" if facts.year is None else str(facts.year)
    numbers = [*facts.isbns, *facts.issns, *(c.number for c in facts.classifications)]
    return [facts.publisher, facts.place, year, facts.edition, *numbers, long_text]


def _vector(fields: Iterable[Weighted]) -> str:
    places: dict[str, list[str]] = {}
    position = 1
    for weight, texts in fields:
        for text in texts:
            words = cut_words(text)
            for word in words:
                marks = places.setdefault(word, [])
                if len(marks) < MAX_POSITIONS:
                    marks.append(f"{min(position, MAX_POSITION)}{weight}")
                position += 1
            if words:
                position += FIELD_GAP
    return " ".join(f"{quote_lexeme(word)}:{','.join(marks)}" for word, marks in places.items())
