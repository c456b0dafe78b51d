"""Names, texts and expressions as SQL writes them."""

from __future__ import annotations

import re

from psycopg import sql

_TEXT = "E?'(?:[^']|'')*'"
_CAST_LIST = re.compile(rf"\(ARRAY\[({_TEXT}::([a-z ]+)(?:, {_TEXT}::\2)*)\]\)::text\[\]")


def name(text: str) -> str:
    """An identifier, in double quotes."""
    return sql.Identifier(text).as_string(None)


def literal(text: str) -> str:
    """A text constant that reads the same whatever `standard_conforming_strings` is."""
    return sql.Literal(text).as_string(None)


def options(pairs: list[str]) -> str:
    """Storage parameters as the catalogue keeps them (`fillfactor=70`), for `WITH (...)` and `SET (...)`."""
    return ", ".join(f"{key} = {literal(value)}" for key, _, value in (pair.partition("=") for pair in pairs))


def as_parsed(definition: str) -> str:
    """A definition that PostgreSQL has printed, such that it prints the same again once it was read.

    There is one form of which it does not: `state IN ('a', 'b')` on a varchar is a list of varchars cast to text, and
    the cast of a list that is written out goes to each of its members. A cast to what they are already keeps it out.
    """
    return _CAST_LIST.sub(r"((ARRAY[\1])::\2[])::text[]", definition)
