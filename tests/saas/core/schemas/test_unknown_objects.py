"""What a script cannot make again is named, so that the migrations are run instead; never left out."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core.schemas import UnknownObject, write_script
from saas.core.schemas.objects import sort_out

TABLES = """
    CREATE TABLE loan (id int PRIMARY KEY, due date, place point);
    CREATE TABLE copy (id int PRIMARY KEY, loan_id int REFERENCES loan);
"""
FUNCTION = "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$"
UNKNOWN = [
    ("function", FUNCTION),
    ("procedure", "CREATE PROCEDURE tidy() LANGUAGE sql AS $$SELECT 1$$"),
    ("aggregate", "CREATE AGGREGATE adds(int) (SFUNC = int4pl, STYPE = int)"),
    ("view", "CREATE VIEW due_today AS SELECT * FROM loan"),
    ("materialized view", "CREATE MATERIALIZED VIEW due_today AS SELECT * FROM loan"),
    (
        "trigger",
        "CREATE TRIGGER checked BEFORE UPDATE ON loan FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ),
    ("rule", "CREATE RULE nothing AS ON DELETE TO loan DO INSTEAD NOTHING"),
    ("policy", "CREATE POLICY own ON loan USING (id > 0)"),
    ("type", "CREATE TYPE state AS ENUM ('open', 'closed')"),
    ("type", "CREATE TYPE pair AS (a int, b int)"),
    ("type", "CREATE TYPE span AS RANGE (SUBTYPE = float8)"),
    ("type", "CREATE DOMAIN isbn AS text CHECK (length(VALUE) = 13)"),
    ("table", "CREATE TABLE child (more int) INHERITS (loan)"),
    ("table", "CREATE TABLE years (id int, due date) PARTITION BY RANGE (due)"),
    ("table", "CREATE TYPE row_of AS (a int); CREATE TABLE typed OF row_of"),
    (
        "foreign table",
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE far (id int) SERVER s",
    ),
    ("statistics object", "CREATE STATISTICS both_of ON id, due FROM loan"),
    ("publication relation", "CREATE PUBLICATION news FOR TABLE loan"),
    ("publication namespace", "CREATE PUBLICATION news FOR TABLES IN SCHEMA lib_original"),
    ("collation", 'CREATE COLLATION own FROM "C"'),
    ("operator", "CREATE OPERATOR ## (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)"),
    ("text search configuration", "CREATE TEXT SEARCH CONFIGURATION own (COPY = simple)"),
    ("text search dictionary", "CREATE TEXT SEARCH DICTIONARY own (TEMPLATE = simple)"),
    ("conversion", "CREATE CONVERSION own FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8"),
    ("operator family", "CREATE OPERATOR FAMILY own USING btree"),
    ("extension", "CREATE EXTENSION citext"),
    (
        "table constraint",
        "CREATE CONSTRAINT TRIGGER checked AFTER UPDATE ON loan FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ),
]


@pytest.mark.parametrize(
    ("kind", "statements"), UNKNOWN, ids=[statements[:40] for _kind, statements in UNKNOWN]
)
def test_an_object_that_is_not_described_is_named(workshop: Any, kind: str, statements: str) -> None:
    workshop.run(TABLES)
    workshop.copy()
    workshop.require_likeness()  # without it, all is well
    with workshop.wrapper.cursor() as cursor:
        cursor.execute("DROP SCHEMA lib_copy CASCADE; CREATE SCHEMA lib_copy")
    workshop.run(statements)
    for refused in (workshop.facts, workshop.script):
        with pytest.raises(UnknownObject) as found:
            refused()
        assert found.value.name
    assert kind in _kinds(workshop)


def _kinds(workshop: Any) -> set[str]:
    """All that the schema is refused for, not the first alone."""
    from saas.core.schemas.catalogue import UNKNOWN_OBJECTS

    with workshop.wrapper.cursor() as cursor:
        cursor.execute("SELECT oid FROM pg_namespace WHERE nspname = 'lib_original'")
        cursor.execute(UNKNOWN_OBJECTS, {"space": cursor.fetchone()[0]})
        return {kind for kind, _name in cursor.fetchall()}


def test_a_view_in_another_schema_counts_too(workshop: Any) -> None:
    """It would be of no use to the copy, and it stands in the way of migrations of the original."""
    workshop.run(TABLES)
    workshop.run("CREATE VIEW reader AS SELECT * FROM lib_original.loan", "lib_copy")
    with pytest.raises(UnknownObject, match="rule"):
        workshop.facts()


@pytest.mark.parametrize("what", ["ENABLE", "FORCE"])
def test_row_security_is_a_fact_but_not_copied(workshop: Any, what: str) -> None:
    workshop.run(TABLES)
    assert "CREATE TABLE" in workshop.script()
    workshop.run(f"ALTER TABLE loan {what} ROW LEVEL SECURITY")
    assert workshop.facts()
    with pytest.raises(UnknownObject, match="table with row security loan"):
        workshop.script()


@pytest.mark.parametrize(
    ("said", "instead", "refusal"),
    [
        ('"tablespace": null', '"tablespace": "fast"', "table in a tablespace loan"),
        ('"access_method": "heap"', '"access_method": "columnar"', "table of another access method loan"),
    ],
)
def test_tables_stored_in_another_way_are_not_copied(
    workshop: Any, said: str, instead: str, refusal: str
) -> None:
    """Told from the facts alone: neither can be made inside a transaction, or without an extension."""
    workshop.run(TABLES)
    facts = workshop.facts()
    assert sort_out(facts).tables.keys() == {"loan", "copy"}
    changed = tuple(
        line.replace(said, instead) if line.startswith('["table", "loan"') else line for line in facts
    )
    assert changed != facts
    with pytest.raises(UnknownObject, match=refusal):
        sort_out(changed)


def test_an_index_that_is_not_valid_is_refused(workshop: Any) -> None:
    """What a failed CREATE INDEX CONCURRENTLY leaves behind."""
    workshop.run(TABLES + "CREATE INDEX loan_due ON loan (due)")
    assert "loan_due" in workshop.script()
    workshop.run("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'loan_due'::regclass")
    with pytest.raises(UnknownObject, match="index that is not valid loan_due"):
        workshop.script()


def test_rows_of_a_table_that_is_not_there_are_refused(workshop: Any) -> None:
    workshop.run(TABLES)
    with workshop.wrapper.cursor() as cursor:
        assert write_script(cursor, "lib_original", rows_of=["loan"])
        with pytest.raises(UnknownObject, match="lonely"):
            write_script(cursor, "lib_original", rows_of=["loan", "lonely"])
