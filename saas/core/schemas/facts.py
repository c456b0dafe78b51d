"""The facts of a schema: everything that its definition says, one line of text each."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from saas.core.schemas.catalogue import FACTS, UNKNOWN_OBJECTS
from saas.core.schemas.errors import UnknownObject
from saas.core.schemas.reading import reading

# Sorted JSON texts `["kind", "table" or "", "name", {what the catalogue says}]`, free of the schema's own name.
Facts = tuple[str, ...]


def read_facts(cursor: Any, schema: str) -> Facts:
    """Every structural fact of a schema: tables, columns in order, constraints, indexes, sequences, comments.

    Two schemas of one server with equal facts are the same to every later migration, by name and in substance. Rows,
    the values of sequences, owners, privileges and security labels are no facts. The cost does not depend on how many
    schemas there are. Raises UnknownObject for a schema that is not there, and for what the facts do not describe.
    """
    with reading(cursor, schema) as reader:
        return facts_of(reader, schema)


def facts_of(reader: Any, schema: str) -> Facts:
    """As `read_facts`, with a cursor of `reading`."""
    reader.execute("SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %s", [schema])
    if (row := reader.fetchone()) is None:
        raise UnknownObject("schema", schema)
    asked = {"space": row[0], "schema": schema}
    reader.execute(UNKNOWN_OBJECTS, asked)
    if (unknown := reader.fetchone()) is not None:
        raise UnknownObject(*unknown)
    reader.execute(FACTS, asked)
    facts = tuple(sorted(line for (line,) in reader.fetchall()))
    _refuse_own_name(facts, schema)
    return facts


def _refuse_own_name(facts: Facts, schema: str) -> None:
    """A definition that names its schema in a text (`nextval('lib_a.numbers'::text)`) would lead its copy back here."""
    named = re.compile(rf"(?<![\w$]){re.escape(schema)}(\\?\")?\.")
    for line in facts:
        if named.search(line):
            kind, table, name, _details = json.loads(line)
            raise UnknownObject(f"{kind} that names its schema", f"{table}.{name}" if table else name)


def fingerprint(facts: Facts) -> str:
    """SHA-256 of the facts, in hex (64 characters)."""
    digest = hashlib.sha256()
    for line in facts:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def differences(expected: Facts, actual: Facts) -> list[str]:
    """What sets `actual` apart, one readable line each: missing, unexpected, or changed with both values."""
    wanted, found = _by_object(set(expected) - set(actual)), _by_object(set(actual) - set(expected))
    lines = [f"missing: {_words(key)}" for key in sorted(wanted.keys() - found.keys())]
    lines += [f"unexpected: {_words(key)}" for key in sorted(found.keys() - wanted.keys())]
    for key in sorted(wanted.keys() & found.keys()):
        before, after = wanted[key], found[key]
        lines += [
            f"changed: {_words(key)}: {name} is {_text(after.get(name))}, not {_text(before.get(name))}"
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)
        ]
    return lines


def _by_object(facts: set[str]) -> dict[tuple[str, str, str], dict[str, Any]]:
    parsed = [json.loads(line) for line in facts]
    return {(kind, table, name): details for kind, table, name, details in parsed}


def _words(key: tuple[str, str, str]) -> str:
    kind, table, name = key
    return f"{kind} {name}" if table in {"", name} and kind != "column" else f"{kind} {table}.{name}"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
