"""The process of a contender: reads questions from standard input, one JSON line each, and answers on standard output.

["stock.make", {"count": 3}]   ->   {"value": [2.1, 2.0, 2.0]}   or   {"failure": "..."}
"""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module
from typing import Any

import orjson


def main() -> None:
    """Answer until there are no more questions."""
    # What Django's commands print must not stand between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    import django

    django.setup()
    for line in sys.stdin.buffer:
        question, values = orjson.loads(line)
        answers.write(orjson.dumps(_answer(question, values)) + b"\n")


def _answer(question: str, values: dict[str, Any]) -> dict[str, Any]:
    module, _, function = question.partition(".")
    try:
        return {"value": getattr(import_module(f"tests.benchmarks.tenancy.{module}"), function)(**values)}
    except Exception as error:  # noqa: BLE001 - told to the asker, who gives up the run
        traceback.print_exc()
        return {"failure": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    main()
