"""The one error of this package."""

from __future__ import annotations


class EmbeddedError(Exception):
    """A start, stop or wipe that cannot be done; `str()` of it is one clear sentence for a person."""
