"""A schema as a list of facts, and a script that makes its like: how a library gets its tables without migrations.

Knows PostgreSQL alone: no models, no libraries. The cursors and connections are those of the schemas' owner.
"""

from saas.core.schemas.errors import UnknownObject
from saas.core.schemas.facts import Facts, differences, fingerprint, read_facts
from saas.core.schemas.replay import replay
from saas.core.schemas.script import write_script
from saas.core.schemas.shapes import shapes

__all__ = [
    "Facts",
    "UnknownObject",
    "differences",
    "fingerprint",
    "read_facts",
    "replay",
    "shapes",
    "write_script",
]
