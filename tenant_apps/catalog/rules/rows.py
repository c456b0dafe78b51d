"""From a MARC record to the columns of a title."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tenant_apps.catalog.marc import ContributorFacts, ParsedRecord, SubjectFacts, TitleFacts, extract
from tenant_apps.catalog.rules.documents import search_vector, title_vector, vocabulary

MAX_HEADING = 500  # Contributor.name, Subject.heading
MAX_ROWS_URL = 1_000
_SHORT = 500


@dataclass(frozen=True)
class Record:
    """A parsed record and, worked out when first asked for, what the catalogue makes of it."""

    parsed: ParsedRecord

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical record, hex: equal records are one and the same."""
        return self.parsed.fields_hash

    @cached_property
    def facts(self) -> TitleFacts:
        """What the record says, read once."""
        return extract(self.parsed)

    @property
    def number(self) -> str:
        """Control number with its agency, or an empty string."""
        return self.facts.control_number

    @cached_property
    def words(self) -> set[str]:
        """The title's part of the library's vocabulary."""
        return vocabulary(self.facts)

    @property
    def contributors(self) -> tuple[ContributorFacts, ...]:
        """People and bodies in the record's order."""
        return self.facts.contributors

    @property
    def subjects(self) -> list[SubjectFacts]:
        """Subjects in the record's order, each heading once."""
        return list(
            {subject.normalised[:MAX_HEADING]: subject for subject in reversed(self.facts.subjects)}.values()
        )[::-1]

    def columns(self) -> dict[str, Any]:
        """Values of the columns of Title that a record decides: all but id, version and times."""
        facts = self.facts
        return {
            "control_number": facts.control_number,
            "title": facts.title,
            "subtitle": facts.subtitle,
            "statement": facts.statement_of_responsibility,
            "sort_title": facts.sort_title[:200],
            "publisher": facts.publisher[:_SHORT],
            "place": facts.place[:_SHORT],
            "year": facts.year,
            "language": facts.language[:3],
            "material_type": str(facts.material_type),
            "edition": facts.edition[:_SHORT],
            "extent": facts.extent[:_SHORT],
            "series": _series(facts)[:_SHORT],
            "classification": facts.classifications[0].number[:100] if facts.classifications else "",
            "summary": facts.summary,
            "isbns": list(facts.isbns),
            "issns": list(facts.issns),
            "urls": [link.url for link in facts.urls if len(link.url) <= MAX_ROWS_URL],
            "marc": zlib.compress(self.parsed.marc),
            "marc_hash": self.hash,
            "search": search_vector(facts),
            "title_search": title_vector(facts),
        }


def _series(facts: TitleFacts) -> str:
    if not facts.series:
        return ""
    first = facts.series[0]
    return f"{first.name} ; {first.volume}" if first.volume else first.name
