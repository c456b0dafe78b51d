"""What a web process or a worker looks at before it takes work."""

from __future__ import annotations

import structlog
from django.db import OperationalError, connection

log = structlog.get_logger(__name__)


def refuse_a_leaking_mode() -> None:
    """Connect once, so that a process behind a pooler that the settings do not know of does not even start.

    A database that is away is no reason not to start: the first connection is looked at again. Raises
    ImproperlyConfigured.
    """
    try:
        connection.ensure_connection()
    except OperationalError as error:
        log.warning("database.away_at_start", reason=str(error))
    finally:
        connection.close()
