"""The files that the tests of architecture read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TREES = ("saas", "shared_apps", "tenant_apps", "billing")


def sources() -> Iterator[Path]:
    """Every module of ours but migrations."""
    for tree in TREES:
        yield from (file for file in (PROJECT / tree).rglob("*.py") if "migrations" not in file.parts)


def name_of(file: Path) -> str:
    """A file's path from the top folder, with slashes."""
    return file.relative_to(PROJECT).as_posix()
