"""The facts of a schema, sorted into its tables and sequences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from saas.core.schemas.errors import UnknownObject
from saas.core.schemas.facts import Facts

# What the catalogue says of one object: its own column names, and those that saas.core.schemas.catalogue adds.
Details = Mapping[str, Any]
FOREIGN_KEY = "f"
NOT_NULL = "n"
BACKED_BY_AN_INDEX = {"p", "u", "x"}


@dataclass(slots=True)
class Table:
    """One table and what belongs to it; names are those of PostgreSQL, unquoted."""

    name: str
    details: Details = field(default_factory=dict)
    columns: dict[str, Details] = field(default_factory=dict)
    constraints: dict[str, Details] = field(default_factory=dict)
    indexes: dict[str, Details] = field(default_factory=dict)

    def columns_in_order(self) -> list[tuple[str, Details]]:
        return sorted(self.columns.items(), key=lambda item: int(item[1]["position"]))

    def named_not_null(self) -> set[str]:
        """Columns whose NOT NULL is a constraint with a name (PostgreSQL 18)."""
        return {kept["columns"][0] for kept in self.constraints.values() if kept["contype"] == NOT_NULL}

    def indexes_of_constraints(self) -> set[str]:
        kept = self.constraints.values()
        return {entry["index"] for entry in kept if entry["contype"] in BACKED_BY_AN_INDEX}


@dataclass(frozen=True, slots=True)
class Objects:
    """The tables and sequences of a schema, each by its name."""

    tables: dict[str, Table]
    sequences: dict[str, Details]

    def identities(self) -> dict[tuple[str, str], tuple[str, Details]]:
        """The sequence behind each identity column: (table, column) to its name and what is known of it."""
        return {
            (entry["owned_by"][0], entry["owned_by"][1]): (name, entry)
            for name, entry in self.sequences.items()
            if is_identity(entry)
        }

    def in_order_of_reference(self) -> Iterator[Table]:
        """Every table once, after the tables that it refers to as far as there are no circles."""
        seen: set[str] = set()

        def visit(table: Table) -> Iterator[Table]:
            if table.name in seen:
                return
            seen.add(table.name)
            for target in sorted({kept["references"] or "" for kept in table.constraints.values()}):
                if target in self.tables:
                    yield from visit(self.tables[target])
            yield table

        for name in sorted(self.tables):
            yield from visit(self.tables[name])


def is_identity(sequence: Details) -> bool:
    """Whether the sequence is made with its column, and not by itself."""
    return sequence["owned_by"] is not None and sequence["owned_by"][2] == "i"


def sort_out(facts: Facts) -> Objects:
    """The facts as objects. Raises UnknownObject for a property that a script cannot give to a new object."""
    tables: dict[str, Table] = {}
    sequences: dict[str, Details] = {}
    for kind, owner, name, details in map(json.loads, facts):
        _refuse_what_no_script_makes(kind, name, details)
        if kind == "sequence":
            sequences[name] = details
            continue
        table = tables.setdefault(owner, Table(owner))
        if kind == "table":
            table.details = details
        else:
            {"column": table.columns, "constraint": table.constraints, "index": table.indexes}[kind][name] = (
                details
            )
    return Objects(tables, sequences)


def _refuse_what_no_script_makes(kind: str, name: str, details: Details) -> None:
    refused = {
        "table with row security": details.get("relrowsecurity") or details.get("relforcerowsecurity"),
        f"{kind} in a tablespace": details.get("tablespace"),
        "table of another access method": kind == "table" and details["access_method"] != "heap",
        "index that is not valid": kind == "index" and not details["indisvalid"],
    }
    for what, is_so in refused.items():
        if is_so:
            raise UnknownObject(what, name)
