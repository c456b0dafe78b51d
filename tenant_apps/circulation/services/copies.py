"""Circulation's hold on copies: locking one, and writing where it is. The first lock of every command."""

from __future__ import annotations

from psycopg import sql

from saas.core.writes import Lock, Part
from saas.core.writes.statements import composed
from tenant_apps.circulation.models import Copy

# The copy with the barcode `copy_barcode`; answers its id.
COPY_BY_BARCODE = Lock(
    Copy, "SELECT {copy.pk} FROM {copy} WHERE {copy.barcode} = %(copy_barcode)s::text", copy=Copy
)

_PLACE = """
    UPDATE {copy}
    SET {copy:current_branch} = %(here)s::bigint, {copy:lost_at} = NULL, {copy:version} = {copy.version} + 1
    WHERE {copy.pk} = %(copy)s::bigint AND ({copy.current_branch} <> %(here)s::bigint OR {copy.lost_at} IS NOT NULL)
"""


def placed(*, of: str | None = None) -> Part:
    """The part that records a locked copy (value `copy`) as being at a branch (`here`) and not lost.

    Writes only what differs; with `of` only where that part has written a row.
    """
    condition = f"{_PLACE} AND EXISTS (SELECT FROM {of})" if of else _PLACE
    return Part("placed", sql.Composed([composed(condition, copy=Copy)]))
