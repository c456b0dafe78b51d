"""The questions to PostgreSQL's catalogue behind the facts of a schema (versions 15 to 18).

The tables of a schema are found through `pg_depend`, which has an index by schema; `pg_class` has none, and a scan of
it grows with the fleet. Rows are taken whole, less what differs between two equal objects: a column that a later
PostgreSQL adds to its catalogue becomes a fact by itself.
"""

from __future__ import annotations

# Everything that hangs on the schema or on one of its tables, and is none of what the facts describe: other types,
# functions, views, triggers, rules, policies, statistics, publications, extensions, children and partitions.
UNKNOWN_OBJECTS = """
WITH relation AS MATERIALIZED (
    SELECT c.oid, c.relkind, c.relispartition, c.reloftype
    FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.objid
    WHERE d.refclassid = 'pg_catalog.pg_namespace'::regclass AND d.refobjid = %(space)s
      AND d.classid = 'pg_catalog.pg_class'::regclass
), unknown AS (
    SELECT 'pg_catalog.pg_class'::regclass::oid AS classid, oid AS objid FROM relation
    WHERE relkind NOT IN ('r', 'S') OR relispartition OR reloftype <> 0 OR NOT pg_catalog.pg_table_is_visible(oid)
  UNION
    SELECT 'pg_catalog.pg_class'::regclass::oid, inhrelid FROM pg_catalog.pg_inherits
    WHERE inhrelid = ANY (ARRAY(SELECT oid FROM relation)) OR inhparent = ANY (ARRAY(SELECT oid FROM relation))
  UNION
    SELECT classid, objid FROM pg_catalog.pg_depend
    WHERE refclassid = 'pg_catalog.pg_namespace'::regclass AND refobjid = %(space)s
      AND classid NOT IN ('pg_catalog.pg_class'::regclass, 'pg_catalog.pg_default_acl'::regclass)
  UNION
    SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
    LEFT JOIN pg_catalog.pg_trigger t ON d.classid = 'pg_catalog.pg_trigger'::regclass AND t.oid = d.objid
    LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = d.objid
    WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = ANY (ARRAY(SELECT oid FROM relation))
      AND d.classid NOT IN (
          'pg_catalog.pg_class'::regclass, 'pg_catalog.pg_type'::regclass, 'pg_catalog.pg_attrdef'::regclass)
      AND NOT coalesce(t.tgisinternal, false)
      AND coalesce(k.contype, 't') NOT IN ('c', 'f', 'n', 'p', 'u', 'x')
)
SELECT i.type, coalesce(i.identity, '?')
FROM unknown, LATERAL pg_catalog.pg_identify_object(classid, objid, 0) i
ORDER BY 1, 2
"""

_RELATIONS = """
WITH relation AS MATERIALIZED (
    SELECT c.oid, c.relname, c.relkind
    FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.objid
    WHERE d.refclassid = 'pg_catalog.pg_namespace'::regclass AND d.refobjid = %(space)s
      AND d.classid = 'pg_catalog.pg_class'::regclass
), members AS MATERIALIZED (
    SELECT i.indexrelid AS oid, r.relname AS owner FROM pg_catalog.pg_index i JOIN relation r ON r.oid = i.indrelid
    WHERE i.indrelid = ANY (ARRAY(SELECT oid FROM relation WHERE relkind = 'r'))
  UNION ALL
    SELECT oid, CASE relkind WHEN 'r' THEN relname ELSE '' END FROM relation
)
"""

# Not facts: object ids, sizes and statistics, owner and privileges (saas.core.db.roles), and flags that stay set
# after their cause is gone. A table that has lost its last wide column still has its toast table.
_CLASS = """
SELECT
    CASE c.relkind WHEN 'r' THEN 'table' WHEN 'i' THEN 'index' ELSE 'sequence' END AS kind,
    m.owner::text AS owner,
    c.relname::text AS name,
    to_jsonb(c) - '{oid,relname,relnamespace,reltype,reloftype,relowner,relam,relfilenode,reltablespace,relpages,
        reltuples,relallvisible,relallfrozen,reltoastrelid,relhasindex,relhasrules,relhastriggers,relhassubclass,
        relfrozenxid,relminmxid,relacl,relrewrite,relnatts}'::text[]
    || jsonb_build_object(
        'access_method', (SELECT amname FROM pg_catalog.pg_am WHERE oid = c.relam),
        'tablespace', (SELECT spcname FROM pg_catalog.pg_tablespace WHERE oid = c.reltablespace),
        'toast_options', (SELECT reloptions FROM pg_catalog.pg_class t WHERE t.oid = c.reltoastrelid),
        'comment', obj_description(c.oid, 'pg_class'))
    || coalesce(to_jsonb(s) - '{seqrelid,seqtypid}'::text[] || jsonb_build_object(
        'type', s.seqtypid::regtype::text,
        'owned_by', (
            SELECT jsonb_build_array(o.relname, a.attname, d.deptype)
            FROM pg_catalog.pg_depend d
            JOIN pg_catalog.pg_class o ON o.oid = d.refobjid
            JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
            WHERE c.relkind = 'S' AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
              AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i'))), '{}')
    || coalesce(to_jsonb(i) - '{indexrelid,indrelid,indkey,indcollation,indclass,indoption,indexprs,indpred,
        indcheckxmin}'::text[] || jsonb_build_object(
        -- What follows the name of the schema, which is printed on every search path.
        'definition', substr(pg_catalog.pg_get_indexdef(c.oid), 1 + length(pg_catalog.format(
            'CREATE %%sINDEX %%I ON %%I.', CASE WHEN i.indisunique THEN 'UNIQUE ' END, c.relname, %(schema)s::text))),
        'statistics', (
            SELECT jsonb_object_agg(attnum, attstattarget) FROM pg_catalog.pg_attribute
            WHERE attrelid = c.oid AND attstattarget >= 0)), '{}') AS details
FROM members m
JOIN pg_catalog.pg_class c ON c.oid = m.oid
LEFT JOIN pg_catalog.pg_sequence s ON s.seqrelid = m.oid
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = m.oid
"""

# Positions are counted without dropped columns, which a new table has none of.
_COLUMNS = """
SELECT
    'column',
    r.relname::text,
    a.attname::text,
    to_jsonb(a) - '{attrelid,attname,atttypid,attnum,attcollation,attcacheoff,atthasmissing,
        attmissingval,attacl}'::text[]
    || jsonb_build_object(
        -- PostgreSQL 15.20 of Debian stamps every column with an option of its own, pg_attver, which no statement sets.
        'attoptions', (SELECT jsonb_agg(o ORDER BY o) FROM unnest(a.attoptions) o WHERE NOT starts_with(o, 'pg_')),
        'position', row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum),
        'type', pg_catalog.format_type(a.atttypid, a.atttypmod) || repeat('[]', a.attndims - 1),
        'collation', (
            SELECT a.attcollation::regcollation::text FROM pg_catalog.pg_type t
            WHERE t.oid = a.atttypid AND t.typcollation <> a.attcollation),
        'default', (
            SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d
            WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum),
        'type_storage', (SELECT typstorage FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid),
        'comment', pg_catalog.col_description(a.attrelid, a.attnum))
FROM pg_catalog.pg_attribute a JOIN relation r ON r.oid = a.attrelid
WHERE a.attrelid = ANY (ARRAY(SELECT oid FROM relation WHERE relkind = 'r'))
  AND a.attnum > 0 AND NOT a.attisdropped
"""

_CONSTRAINTS = """
SELECT
    'constraint',
    r.relname::text,
    k.conname::text,
    to_jsonb(k) - '{oid,conname,connamespace,conrelid,contypid,conindid,conparentid,confrelid,conkey,confkey,
        conpfeqop,conppeqop,conffeqop,confdelsetcols,conexclop,conbin}'::text[]
    || jsonb_build_object(
        'definition', pg_catalog.pg_get_constraintdef(k.oid),
        'index', (SELECT relname FROM pg_catalog.pg_class WHERE oid = k.conindid),
        'references', (SELECT relname FROM relation WHERE oid = k.confrelid),
        'columns', (
            SELECT jsonb_agg(a.attname ORDER BY u.place)
            FROM unnest(k.conkey) WITH ORDINALITY u (number, place)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number),
        'comment', pg_catalog.obj_description(k.oid, 'pg_constraint'))
FROM pg_catalog.pg_constraint k JOIN relation r ON r.oid = k.conrelid
WHERE k.conrelid = ANY (ARRAY(SELECT oid FROM relation WHERE relkind = 'r'))
"""

# One row, one fact: ["kind", "table" or "", "name", {what the catalogue says}] as JSON text.
FACTS = "\n".join(
    [
        _RELATIONS,
        "SELECT jsonb_build_array(kind, owner, name, details)::text FROM (",
        " UNION ALL ".join([_CLASS, _COLUMNS, _CONSTRAINTS]),
        ") fact",
    ]
)
