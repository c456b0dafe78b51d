"""The sockets that there are: each says by its own code who is let in, so that none is open by oversight."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from saas.core.sockets.socket import Socket

PREFIX = "/ws/"


@dataclass(frozen=True, slots=True)
class SocketRoute:
    """One address below `/ws/`.

    `admits` is asked before the handshake is answered, in a thread and in the library's schema, with the request that
    asks for the socket (`request.library`, its headers and cookies); it raises a DomainError for whoever is not let in.
    `handle` serves the socket afterwards, in the event loop: it belongs to no library, and what asks the database goes
    through `Socket.in_library`. When it returns the socket is closed.
    """

    path: str
    admits: Callable[[HttpRequest], None]
    handle: Callable[[Socket], Awaitable[None]]

    def __post_init__(self) -> None:
        if not (self.path.startswith(PREFIX) and self.path.endswith("/")):
            raise ValueError(f"{self.path!r} does not begin with {PREFIX} and end with a slash")


def routes_of_settings() -> tuple[SocketRoute, ...]:
    """Those that SOCKET_ROUTES names, by the dotted names of the SocketRoute objects."""
    return tuple(import_string(name) for name in settings.SOCKET_ROUTES)
