"""The rows of an archive, into a schema that the same transaction has just made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from shared_apps.tenants.archive import tables
from shared_apps.tenants.archive.errors import ArchiveRefused
from shared_apps.tenants.archive.failures import named
from shared_apps.tenants.archive.manifest import Manifest, Table, table_member
from shared_apps.tenants.archive.reader import Archive


def load_rows(cursor: Any, schema: str, archive: Archive, read: Callable[[int], None]) -> None:
    """Fill every table and put every sequence where it was; the database checks each constraint.

    Raises ArchiveRefused where the schema has other tables, columns or sequences than the archive, and ArchiveFailed,
    with the table's name, for a row that the database refuses.
    """
    manifest = archive.manifest
    shapes = {shape.name: shape for shape in tables.table_shapes(cursor, schema)}
    _check_shapes(manifest, shapes)
    _check_sequences(manifest, tables.sequence_names(cursor, schema))
    tables.empty(cursor, schema, shapes)
    # References between tables are looked at once all of them are there.
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    for table in manifest.tables:
        _load(cursor, schema, archive, table, read)
    for state in manifest.sequences:
        tables.set_sequence(cursor, schema, state)
    with named("checking references between tables"):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _load(cursor: Any, schema: str, archive: Archive, table: Table, read: Callable[[int], None]) -> None:
    def blocks() -> Iterator[bytes]:
        for block in archive.blocks(table_member(table.name)):
            yield block
            read(len(block))

    with named(f"loading the table {table.name}"):
        rows = tables.copy_in(cursor, schema, table.name, table.columns, blocks())
    if rows != table.rows:
        message = f"The database found {rows} rows in {table.name} where {table.rows} are announced."
        raise ArchiveRefused("tampered", message)


def _check_shapes(manifest: Manifest, shapes: dict[str, tables.TableShape]) -> None:
    announced = {table.name: set(table.columns) for table in manifest.tables}
    here = {name: set(shape.columns) for name, shape in shapes.items()}
    faults = [f"the table {name} is unknown" for name in announced.keys() - here.keys()]
    faults += [f"the table {name} is missing" for name in here.keys() - announced.keys()]
    for name in announced.keys() & here.keys():
        faults += [f"the column {name}.{column} is unknown" for column in announced[name] - here[name]]
        faults += [f"the column {name}.{column} is missing" for column in here[name] - announced[name]]
    faults += [
        f"the rows of {table.name} do not belong into an archive"
        for table in manifest.tables
        if table.rows and table.name in tables.LEFT_OUT
    ]
    if faults:
        raise ArchiveRefused(
            "other_tables", f"This is not a library of its release: {_some(sorted(faults))}."
        )


def _check_sequences(manifest: Manifest, here: tuple[str, ...]) -> None:
    announced = tuple(state.name for state in manifest.sequences)
    if announced != here:
        faults = sorted({*announced} ^ {*here})
        raise ArchiveRefused(
            "other_tables", f"These sequences are not in both, archive and schema: {_some(faults)}."
        )


def _some(faults: list[str]) -> str:
    more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
    return "; ".join(faults[:5]) + more
