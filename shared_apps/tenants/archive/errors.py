"""What can be wrong with an archive, with where it should go, or with the way there."""

from __future__ import annotations


class ArchiveError(Exception):
    """Base: `code` is snake_case and stable, the text is a sentence or two for the operator."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ArchiveRefused(ArchiveError):
    """The archive, or the name and place that it is meant for, is not acceptable. Nothing has been written."""


class ArchiveFailed(ArchiveError):
    """It broke off on the way (disk, database, a row that is refused). Everything has been rolled back."""
