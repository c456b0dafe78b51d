"""What ends a command for a reason that is no fault of ours: a database that does not answer, Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.core.management.base import CommandError
from django.db import OperationalError

from shared_apps.fleet.services.applying import error_text

STOPPED = 130


@contextmanager
def told_in_one_sentence() -> Iterator[None]:
    """Raise CommandError in place of what such an end raises; the exit code of Ctrl-C is 130."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise CommandError("Stopped. Run it again for what is left.", returncode=STOPPED) from interrupt
    except (psycopg.OperationalError, OperationalError) as error:
        raise CommandError(f"The database does not answer: {error_text(error)}.") from error
