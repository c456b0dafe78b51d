"""Reading a trace of libpq: what a client sent to PostgreSQL, message by message.

Counted on the wire and not in Django, whose own counters see neither the transaction commands nor the checks of a kept
connection.
"""

from __future__ import annotations

import re
from typing import Any

# One line for each message; F is what the client sends. A text with line breaks goes on in lines of its own.
_MESSAGE = re.compile(r"^\S+ \S+\t([FB])\t\d+\t(\w+)(?:\t(.*))?$")
_STATEMENTS = {"Query", "Execute"}
_TEXTS = {"Query", "Parse"}


def statements_in(trace: str) -> dict[str, Any]:
    """The number of statements (`statements`), and the first line of the text of each (`texts`).

    A statement that was prepared before is executed without its text.
    """
    found = [match.groups() for line in trace.splitlines() if (match := _MESSAGE.match(line))]
    sent = [(kind, text or "") for direction, kind, text in found if direction == "F"]
    return {
        "statements": sum(kind in _STATEMENTS for kind, _text in sent),
        "texts": [text.strip() for kind, text in sent if kind in _TEXTS],
    }
