"""What a search without hits may have meant."""

from __future__ import annotations

from difflib import SequenceMatcher

from django.contrib.postgres.search import TrigramSimilarity
from django.db.models.functions import Length

from tenant_apps.catalog.models import Word
from tenant_apps.catalog.rules.queries import Query, parse_query
from tenant_apps.catalog.selectors.search import Filters, has_hits

MAX_SUGGESTIONS = 3
MAX_WORDS = 6  # a longer search is not corrected
_NEAR = 20  # words of the vocabulary that are compared exactly
_LENGTH_DIFFERENCE = 2  # letters


def suggestions_for(query: Query, filters: Filters) -> list[str]:
    """Up to three searches with misspelt words replaced, each with at least one hit; best first.

    Only words that the library does not have are replaced. Bounded: two queries for each such word, and one
    for each suggestion that is tried.
    """
    words = query.words
    if not words or len(words) > MAX_WORDS:
        return []
    known = set(Word.objects.filter(word__in=words).values_list("word", flat=True))
    near = {word: _near(word) for word in words if word not in known and word.isalpha()}
    if not any(near.values()):
        return []
    tries: list[str] = []
    for choice in range(MAX_SUGGESTIONS):
        replaced = [_pick(near.get(word, []), choice) or word for word in words]
        tries.append(" ".join(replaced))
    distinct = [text for text in dict.fromkeys(tries) if text != " ".join(words)]
    return [text for text in distinct if has_hits(parse_query(text), filters)]


def _pick(words: list[str], at: int) -> str:
    return words[min(at, len(words) - 1)] if words else ""


def _near(word: str) -> list[str]:
    """Words of the library that look like this one, the most alike first."""
    rows = (
        Word.objects.annotate(letters=Length("word"))
        .filter(
            word__trigram_similar=word,
            letters__gte=len(word) - _LENGTH_DIFFERENCE,
            letters__lte=len(word) + _LENGTH_DIFFERENCE,
        )
        .annotate(alike=TrigramSimilarity("word", word))
        .order_by("-alike", "word")
        .values_list("word", flat=True)[:_NEAR]
    )
    # Trigrams find candidates; which of them is nearest is judged on the letters in their order.
    return sorted(rows, key=lambda found: -SequenceMatcher(None, word, found).ratio())[:MAX_SUGGESTIONS]
