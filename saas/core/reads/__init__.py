"""Compiled reads: a serializer and a query set become one SQL statement in which PostgreSQL writes the JSON.

What a view declares is `read.CompiledRead`; docs/guides/reads.md says when to use it. The serializer stays what it is:
the documentation, and the oracle that the statement's answer is compared with, for every read, by a test.
"""

from saas.core.db.binds import Among, Bind, BindAny
from saas.core.reads.errors import NotCompilable
from saas.core.reads.expressions import CountOf, TextOf
from saas.core.reads.read import EVERYTHING, CompiledRead, Filter, Scope, Scoped, registered

__all__ = [
    "EVERYTHING",
    "Among",
    "Bind",
    "BindAny",
    "CompiledRead",
    "CountOf",
    "Filter",
    "NotCompilable",
    "Scope",
    "Scoped",
    "TextOf",
    "registered",
]
