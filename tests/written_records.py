"""The DNS of the tests: TXT records that a test has written down, and nothing else. `settings.test` names it."""

from __future__ import annotations

from typing import ClassVar


class WrittenRecords:
    """Answers with what stands in `records`; an exception there is raised."""

    records: ClassVar[dict[str, list[str] | Exception]] = {}
    asked: ClassVar[list[str]] = []

    def texts(self, name: str) -> list[str]:
        """The TXT records written down for a name."""
        self.asked.append(name)
        found = self.records.get(name, [])
        if isinstance(found, Exception):
            raise found
        return list(found)
