"""WebSockets: which there are, who is let in, and what none of them may do whoever wrote it (see `application`)."""

from saas.core.sockets.application import Sockets
from saas.core.sockets.limits import Limits
from saas.core.sockets.routes import SocketRoute, routes_of_settings
from saas.core.sockets.socket import Socket, SocketClosed

__all__ = ["Limits", "Socket", "SocketClosed", "SocketRoute", "Sockets", "routes_of_settings"]
