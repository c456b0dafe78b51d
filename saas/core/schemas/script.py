"""A script that makes a schema's objects again, written from its facts.

As few statements as there can be, because each costs a parse, locks and looks at the catalogue: what a CREATE TABLE can
say, it says. Top-level statements alone, and never two actions beside a constraint in one ALTER TABLE: Citus refuses
those. Names are unqualified: the script makes its objects in whatever schema is first on the path.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from saas.core.schemas.facts import facts_of
from saas.core.schemas.objects import FOREIGN_KEY, Details, Objects, Table, is_identity, sort_out
from saas.core.schemas.quoting import as_parsed, literal, name, options
from saas.core.schemas.reading import reading
from saas.core.schemas.rows import rows_of_tables


def write_script(cursor: Any, schema: str, *, rows_of: Sequence[str]) -> str:
    """SQL that makes the objects of `schema` in an empty schema, for `replay`.

    Copies the rows of the tables named in `rows_of`, ids included, and sets their sequences past them; all other
    tables stay empty and their sequences unused. Equal schemas give equal texts. Raises UnknownObject for what the
    script cannot make again, and for a table of `rows_of` that is not there.
    """
    with reading(cursor, schema) as reader:
        objects = sort_out(facts_of(reader, schema))
        rows = rows_of_tables(reader, objects, rows_of)
    return "".join(f"{statement};\n" for statement in _statements(objects, set(rows_of), rows))


def _statements(objects: Objects, filled: set[str], rows: list[str]) -> Iterator[str]:
    late: list[str] = []
    for sequence, details in objects.sequences.items():
        if not is_identity(details):
            yield _create_sequence(sequence, details)
    made: set[str] = set()
    for table in objects.in_order_of_reference():
        made.add(table.name)
        inline = [kept for kept in table.constraints if _goes_inline(table, kept, objects, made, filled)]
        yield _create_table(table, inline, objects)
        late += [
            f"ALTER TABLE {name(table.name)} ADD {_constraint(kept, details)}"
            for kept, details in table.constraints.items()
            if kept not in inline
        ]
    # Before any index and foreign key: a deferred check of a row would stand in the way of DDL on its table.
    yield from rows
    for table in objects.tables.values():
        yield from _create_indexes(table)
    yield from late
    for table in objects.tables.values():
        yield from _alter_columns(table)
        yield from _alter_indexes(table)
    for sequence, details in objects.sequences.items():
        if details["owned_by"] and not is_identity(details):
            owner = ".".join(map(name, details["owned_by"][:2]))
            yield f"ALTER SEQUENCE {name(sequence)} OWNED BY {owner}"
    yield from _comments(objects)


def _goes_inline(table: Table, kept: str, objects: Objects, made: set[str], filled: set[str]) -> bool:
    details = table.constraints[kept]
    if not details["convalidated"]:
        return False  # CREATE TABLE takes every constraint for valid: there are no rows
    if details["contype"] != FOREIGN_KEY:
        return True
    target = details["references"]
    if table.name in filled or (target is not None and target not in made):
        return False
    # A foreign key may lean on a unique index that is no constraint, which is made after the tables.
    return target is None or details["index"] in objects.tables[target].indexes_of_constraints()


def _create_table(table: Table, inline: list[str], objects: Objects) -> str:
    identities, named = objects.identities(), table.named_not_null()
    parts = [
        _column(column, details, identities.get((table.name, column)), implied=column in named)
        for column, details in table.columns_in_order()
    ]
    parts += [_constraint(kept, table.constraints[kept]) for kept in inline]
    unlogged = "UNLOGGED " if table.details["relpersistence"] == "u" else ""
    stored = list(table.details["reloptions"] or [])
    stored += [f"toast.{option}" for option in table.details["toast_options"] or []]
    with_options = f" WITH ({options(stored)})" if stored else ""
    return f"CREATE {unlogged}TABLE {name(table.name)} (\n  " + ",\n  ".join(parts) + f"\n){with_options}"


def _column(column: str, details: Details, identity: tuple[str, Details] | None, *, implied: bool) -> str:
    parts = [name(column), details["type"]]
    if details["attcompression"]:
        parts.append({"p": "COMPRESSION pglz", "l": "COMPRESSION lz4"}[details["attcompression"]])
    if details["collation"]:
        parts.append(f"COLLATE {details['collation']}")
    if details["attgenerated"]:
        kind = {"s": "STORED", "v": "VIRTUAL"}[details["attgenerated"]]
        parts.append(f"GENERATED ALWAYS AS ({details['default']}) {kind}")
    elif details["default"] is not None:
        parts.append(f"DEFAULT {details['default']}")
    if identity is not None:
        kind = {"a": "ALWAYS", "d": "BY DEFAULT"}[details["attidentity"]]
        sequence, numbers = identity
        parts.append(f"GENERATED {kind} AS IDENTITY (SEQUENCE NAME {name(sequence)} {_numbers(numbers)})")
    if details["attnotnull"] and not implied:
        parts.append("NOT NULL")
    return " ".join(parts)


def _create_sequence(sequence: str, details: Details) -> str:
    unlogged = "UNLOGGED " if details["relpersistence"] == "u" else ""
    return f"CREATE {unlogged}SEQUENCE {name(sequence)} AS {details['type']} {_numbers(details)}"


def _numbers(details: Details) -> str:
    return (
        f"START WITH {details['seqstart']} INCREMENT BY {details['seqincrement']}"
        f" MINVALUE {details['seqmin']} MAXVALUE {details['seqmax']} CACHE {details['seqcache']}"
        + (" CYCLE" if details["seqcycle"] else "")
    )


def _constraint(constraint: str, details: Details) -> str:
    return f"CONSTRAINT {name(constraint)} {as_parsed(details['definition'])}"


def _create_indexes(table: Table) -> Iterator[str]:
    made_with_constraints = table.indexes_of_constraints()
    for index, details in table.indexes.items():
        if index not in made_with_constraints:
            unique = "UNIQUE " if details["indisunique"] else ""
            yield f"CREATE {unique}INDEX {name(index)} ON {as_parsed(details['definition'])}"


# What neither CREATE TABLE nor CREATE INDEX can say on every version; rare, so one statement each.


def _alter_columns(table: Table) -> Iterator[str]:
    storages = {"p": "PLAIN", "e": "EXTERNAL", "x": "EXTENDED", "m": "MAIN"}
    for column, details in table.columns_in_order():
        alter = f"ALTER TABLE {name(table.name)} ALTER COLUMN {name(column)} SET"
        if details["attstorage"] != details["type_storage"]:
            yield f"{alter} STORAGE {storages[details['attstorage']]}"
        if details["attstattarget"] is not None and details["attstattarget"] >= 0:
            yield f"{alter} STATISTICS {details['attstattarget']}"
        if details["attoptions"]:
            yield f"{alter} ({options(details['attoptions'])})"


def _alter_indexes(table: Table) -> Iterator[str]:
    alter, made_with_constraints = f"ALTER TABLE {name(table.name)}", table.indexes_of_constraints()
    for index, details in table.indexes.items():
        if details["reloptions"] and index in made_with_constraints:
            # PostgreSQL does not print them with the constraint.
            yield f"ALTER INDEX {name(index)} SET ({options(details['reloptions'])})"
        for number, target in (details["statistics"] or {}).items():
            yield f"ALTER INDEX {name(index)} ALTER COLUMN {number} SET STATISTICS {target}"
        if details["indisclustered"]:
            yield f"{alter} CLUSTER ON {name(index)}"
        if details["indisreplident"]:
            yield f"{alter} REPLICA IDENTITY USING INDEX {name(index)}"
    if table.details["relreplident"] in {"f", "n"}:
        yield f"{alter} REPLICA IDENTITY {'FULL' if table.details['relreplident'] == 'f' else 'NOTHING'}"


def _comments(objects: Objects) -> Iterator[str]:
    for sequence, details in objects.sequences.items():
        yield from _comment(f"SEQUENCE {name(sequence)}", details)
    for table in objects.tables.values():
        own = name(table.name)
        yield from _comment(f"TABLE {own}", table.details)
        for column, details in table.columns.items():
            yield from _comment(f"COLUMN {own}.{name(column)}", details)
        for constraint, details in table.constraints.items():
            yield from _comment(f"CONSTRAINT {name(constraint)} ON {own}", details)
        for index, details in table.indexes.items():
            yield from _comment(f"INDEX {name(index)}", details)


def _comment(on: str, details: Details) -> Iterator[str]:
    if details["comment"] is not None:
        yield f"COMMENT ON {on} IS {literal(details['comment'])}"
