"""What a copy of a schema is refused for."""

from __future__ import annotations


class UnknownObject(Exception):
    """The schema holds something that a script cannot make again: run the ordinary migrations instead.

    `kind` is PostgreSQL's word for it ("trigger", "view", "function"), `name` its identity, schema included.
    """

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name}")
        self.kind = kind
        self.name = name
