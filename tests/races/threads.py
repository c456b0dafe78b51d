"""Beginning several acts at one moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

from saas.core.errors import DomainError
from saas.core.tenancy import in_public


def at_once(actions: list[Callable[[], Any]]) -> list[str]:
    """Begin all on the public site, each with a connection of its own; "ok" or the code of each refusal, sorted."""
    outcomes: list[str] = []
    barrier = threading.Barrier(len(actions))

    def run(action: Callable[[], Any]) -> None:
        try:
            with in_public():
                connection.ensure_connection()
                barrier.wait(20)
                action()
            outcomes.append("ok")
        except DomainError as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(outcomes)
