"""The tenancy kernel: which library the running code works for.

A library is whole in its own Postgres schema, and its search path is that schema and `extensions`, never `public`.
Everything that leaves a request (tasks, cache keys, files, tokens, log lines) carries its library by name.
"""

from saas.core.db.errors import NoLibraryChosen, SwitchInTransaction, WrongLibrary
from saas.core.tenancy.context import (
    PUBLIC,
    LibraryContext,
    NoLibrary,
    carried,
    current_library,
    current_library_or_none,
    current_schema,
    in_library,
    in_public,
)

__all__ = [
    "PUBLIC",
    "LibraryContext",
    "NoLibrary",
    "NoLibraryChosen",
    "SwitchInTransaction",
    "WrongLibrary",
    "carried",
    "current_library",
    "current_library_or_none",
    "current_schema",
    "in_library",
    "in_public",
]
