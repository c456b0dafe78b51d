"""What the database refuses, as an error that the caller can name.

A look-up before an insert is overtaken by another desk; the unique index is not. So the index decides, and its refusal
is mapped by SQLSTATE (23505) and never by a constraint's name, which differs between nodes and releases (scale.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction
from psycopg.errors import UniqueViolation


@contextmanager
def refused_if_taken(refusal: Callable[[], Exception], *, savepoint: bool = True) -> Iterator[None]:
    """Run one write in a savepoint; raise `refusal()` where a unique index refuses it.

    The transaction around it stays usable. Put nothing but that one write inside: any unique index counts. Without a
    savepoint it costs two statements less, and the refusal must leave the innermost `atomic()` block around it.
    """
    try:
        with transaction.atomic(savepoint=savepoint):
            yield
    except IntegrityError as error:
        if isinstance(error.__cause__, UniqueViolation):
            raise refusal() from error
        raise
