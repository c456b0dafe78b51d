"""A cheap digest of many schemas at once, to find the ones that are not as the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Hashes are added up by exclusive or: that needs no order, so no sort, and PostgreSQL shares it out among its workers.
# Whatever stands where it must not prevent that: a subquery for the names of types made it twice as slow. Types that
# are no part of PostgreSQL have other ids in each database, so all of these count as one.
_SHAPES = """
WITH space AS NOT MATERIALIZED (
    SELECT oid, nspname FROM pg_catalog.pg_namespace
    WHERE CASE WHEN %(all)s THEN nspname !~ '^pg_' AND nspname <> 'information_schema'
               ELSE nspname = ANY (%(schemas)s) END
)
SELECT nspname, concat_ws('.', to_hex(relations.hash), to_hex(columns.hash), to_hex(constraints.hash))
FROM space
LEFT JOIN (
    SELECT relnamespace AS oid, bit_xor(hashnameextended(relname, ascii(relkind::text))) AS hash
    FROM pg_catalog.pg_class WHERE relnamespace IN (SELECT oid FROM space) GROUP BY 1
) relations USING (oid)
LEFT JOIN (
    SELECT c.relnamespace AS oid, bit_xor(hashnameextended(
        a.attname,
        hashnameextended(c.relname, a.attnotnull::int)
        # (least(a.atttypid::int8, 16384) << 32) # (a.atttypmod & 4294967295))) AS hash
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND c.relnamespace IN (SELECT oid FROM space)
    GROUP BY 1
) columns USING (oid)
LEFT JOIN (
    SELECT connamespace AS oid, bit_xor(hashnameextended(conname, ascii(contype::text))) AS hash
    FROM pg_catalog.pg_constraint WHERE connamespace IN (SELECT oid FROM space) GROUP BY 1
) constraints USING (oid)
"""


def shapes(cursor: Any, schemas: Sequence[str] | None = None) -> dict[str, str]:
    """A digest (at most 50 characters) of each schema named, or of all but PostgreSQL's own; one query.

    Changes with the name of a table, column, index, constraint or sequence, and with a column's type, length and NOT
    NULL; equal for a migrated schema and its copy. It says nothing of expressions: `read_facts` does. A schema that is
    not there is left out. The cost grows with the database, not with the number of schemas named.
    """
    cursor.execute(_SHAPES, {"all": schemas is None, "schemas": list(schemas or [])})
    return dict(cursor.fetchall())
