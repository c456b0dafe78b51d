"""What a session has prepared, kept when a transaction is rolled back.

psycopg forgets everything that it has prepared at each rollback, and has the server forget it: a table that a statement
names may have been made in that transaction. Requests may make no tables, and each refusal inside a transaction is a
rollback, after which the next requests would have all their statements planned again, half a millisecond each.
PostgreSQL itself keeps prepared statements through a rollback, and looks at each again when a table of it was changed.

These are private names of psycopg; tests/hazards/test_prepared.py tells when they change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from psycopg._preparing import Prepare, PrepareManager
from psycopg.pq.abc import PGresult

_GONE: Final = re.compile(rb"(?:DROP|ALTER|DISCARD ALL|DEALLOCATE ALL)\b")


class KeptPlans(PrepareManager):
    """psycopg's list of the statements that a session has prepared."""

    def clear(self) -> bool:
        """Do nothing: psycopg asks for it after a rollback."""
        return False

    def forget(self) -> None:
        """Forget all of them, and have the server do so with the next command that it can take."""
        super().clear()

    def _should_discard(self, prep: Prepare, results: Sequence[PGresult], *_more: Any) -> bool:
        gone = any(_GONE.match(result.command_status or b"") for result in results)
        if gone:
            self.forget()
        return gone
