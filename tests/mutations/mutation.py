"""What a mutation is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One protection taken out: `old` stands once in `file` and becomes `new`; each of `tests` alone may notice.

    `why` says what would leak, get lost or happen twice without it.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    why: str
