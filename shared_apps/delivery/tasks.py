"""Delivery of the outbox, and the sweeper behind it."""

from __future__ import annotations

import structlog

from saas.core import clock
from saas.core.tasks import in_each_library, library_task, public_task
from saas.core.tenancy import LibraryContext, in_public
from shared_apps.delivery import services
from shared_apps.delivery.ports import open_libraries
from shared_apps.delivery.services.outbox import has_due_messages

log = structlog.get_logger(__name__)


@library_task(name="delivery.relay_library")
def relay_library() -> None:
    """Deliver what is due in one library."""
    services.relay()


@public_task(name="delivery.relay_public")
def relay_public() -> None:
    """Deliver what is due on the public site."""
    services.relay()


def wake(library: LibraryContext | None, request: str = "") -> None:
    """Send the relay of a library, or of the public site (None), now; asks the database nothing.

    `request` is the id of the request that it is for.
    """
    task = relay_public if library is None else relay_library
    task.send_at_once(library, request)


@public_task(name="delivery.sweep")
def sweep() -> None:
    """Find messages whose wake-up was lost (a crash between commit and broker, a failed handler) and send relays."""
    if has_due_messages():
        relay_public.enqueue()
    in_each_library(open_libraries(), _wake_if_due)


def _wake_if_due() -> None:
    if has_due_messages():
        relay_library.enqueue()


@public_task(name="delivery.purge")
def purge() -> None:
    """Delete delivered messages and stored answers past their time, in every library and on the public site."""
    now = clock.now()
    with in_public():
        services.purge(now=now)
    in_each_library(open_libraries(), lambda: services.purge(now=now))
