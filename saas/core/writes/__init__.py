"""Lock, facts, decide, write: how a command that must be right at two desks, and quick, talks to the database.

    with command() as unit:
        copy = unit.lock(COPY_BY_BARCODE, {"barcode": ...})     # one statement each, in the documented order
        patron = unit.lock(PATRON_BY_CARD, {"card_number": ...})
        facts = unit.facts(FACTS, {...})                        # one statement, after the locks
        ...                                                     # the pure rules of the app decide
        unit.write(LEND, {...})                                 # one statement: rows, audit entry, outbox message

Locking and counting in one statement would be a race: its snapshot is older than its locks. See docs/guides/writes.md.
"""

from saas.core.writes.parts import Part, inserting
from saas.core.writes.statements import Statement, Write
from saas.core.writes.units import Lock, LockOrderBroken, Unit, command

__all__ = ["Lock", "LockOrderBroken", "Part", "Statement", "Unit", "Write", "command", "inserting"]
