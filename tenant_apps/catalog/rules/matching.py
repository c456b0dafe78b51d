"""Which title an incoming record is: by its hash, then by its control number; else it is a new one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tenant_apps.catalog.rules.rows import Record


class Outcome(StrEnum):
    """What became of one record of a file; the counters of a job have these names."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


@dataclass(slots=True)
class Slot:
    """A title as it will stand once the batch is written.

    `record` is what to write, None where nothing is; `touched` says that this run has decided about it.
    """

    title_id: int | None
    version: int
    number: str
    hash: str
    record: Record | None = None
    touched: bool = False


class KnownTitles:
    """The titles that a batch may meet, those of the library and those that the batch itself brings.

    Two records with one control number in a file: the later one updates the first, so that the order of a
    file counts.
    """

    def __init__(self) -> None:
        self._by_number: dict[str, Slot] = {}
        self._by_hash: dict[str, Slot] = {}

    def add(self, *, title_id: int, version: int, number: str, hash: str) -> None:
        """Make a stored title known. What this run has decided about it counts for more."""
        slot = self._by_number.get(number) if number else self._by_hash.get(hash)
        if slot is None:
            self._keep(Slot(title_id, version, number, hash))
        elif number and not slot.touched:
            slot.version, slot.hash = version, hash
            self._by_hash[hash] = slot

    def missing_hashes(self, records: Iterable[Record]) -> list[str]:
        """Hashes to look up."""
        return list({record.hash for record in records} - self._by_hash.keys())

    def missing_numbers(self, records: Iterable[Record]) -> list[str]:
        """Control numbers to look up (and lock): of the records that no known title equals."""
        numbers = {record.number for record in records if not self._equal(record)} - {""}
        return sorted(n for n in numbers if n not in self._by_number or not self._by_number[n].touched)

    def place(self, record: Record) -> tuple[Outcome, Slot]:
        """Decide what a record does, in the order of the file, and remember it."""
        equal = self._equal(record)
        if equal is not None:
            return Outcome.UNCHANGED, equal
        slot = self._by_number.get(record.number) if record.number else None
        if slot is None:
            slot = Slot(None, 0, record.number, record.hash, record, touched=True)
            self._keep(slot)
            return Outcome.CREATED, slot
        slot.hash, slot.record, slot.touched = record.hash, record, True
        self._by_hash[record.hash] = slot
        return Outcome.UPDATED, slot

    def forget_records(self) -> None:
        """Let go of what was to be written: a dry run keeps the titles it met, but not their text."""
        for slot in self._by_hash.values():
            slot.record = None

    def _equal(self, record: Record) -> Slot | None:
        slot = self._by_hash.get(record.hash)
        # An earlier record of this run may have given the title another text since.
        return slot if slot is not None and slot.hash == record.hash else None

    def _keep(self, slot: Slot) -> None:
        self._by_hash[slot.hash] = slot
        if slot.number:
            self._by_number[slot.number] = slot
