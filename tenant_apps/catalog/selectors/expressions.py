"""Full text search on vectors that the catalogue writes itself."""

from __future__ import annotations

from django.contrib.postgres.search import SearchQuery, SearchQueryField
from django.db.models import Func, Value


class ReadyQuery(SearchQuery):
    """A tsquery that is complete already (rules.queries) and only cast, not parsed by a configuration.

    The text travels as a parameter; a malformed one would be a fault of ours, and rules.queries quotes every
    word.
    """

    template = "(%(expressions)s)::tsquery"

    def __init__(self, text: str) -> None:
        self.function = None
        self.invert = False
        Func.__init__(self, Value(text), output_field=SearchQueryField())
