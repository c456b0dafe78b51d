"""The application that the tests serve: the product's entry point, with routes and small limits of the tests."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import saas.asgi
from saas.core.errors import PermissionDenied
from saas.core.sockets import Limits, Socket, SocketRoute, Sockets

PRODUCT = saas.asgi.application


def _everybody(request: Any) -> None:
    """Let everybody in."""


def _by_header(request: Any) -> None:
    from tenant_apps.branches.models import Branch

    assert Branch.objects.exists()  # in the library's schema
    if request.headers.get("X-Wish") == "break":
        raise ZeroDivisionError
    if request.headers.get("X-Wish") != "in":
        raise PermissionDenied


def _where() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return str(cursor.fetchone()[0])


async def _echo(socket: Socket) -> None:
    while True:
        message = await socket.receive()
        if message == "where":
            message = await socket.in_library(_where)
        elif message == "break":
            raise ZeroDivisionError
        elif message == "end":
            return
        await socket.send(message)


async def _pour(socket: Socket) -> None:
    """Send for ever, as fast as the client takes it."""
    while True:
        await socket.send("x" * 100_000)


async def _deaf(socket: Socket) -> None:
    """Never take a message."""
    await asyncio.sleep(3600)


application = Sockets(
    [
        SocketRoute("/ws/echo/", _everybody, _echo),
        SocketRoute("/ws/guarded/", _by_header, _echo),
        SocketRoute("/ws/pour/", _everybody, _pour),
        SocketRoute("/ws/deaf/", _everybody, _deaf),
    ],
    Limits(
        sockets=40,
        sockets_of_a_library=20,
        handshakes_of_an_address=int(os.environ.get("HANDSHAKES", "10000")),
        message_bytes=1000,
        messages_a_second=20,
        idle_seconds=1.5,
        send_seconds=0.5,
        life_seconds=float(os.environ.get("LIFE", "3600")),
    ),
)
