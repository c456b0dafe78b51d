"""Middleware: the library of the host, the caller of the token, one connection with the library's search_path."""

from __future__ import annotations

from typing import Any

import asyncpg
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from tests.benchmarks.peers.asgi_parts import settings
from tests.benchmarks.peers.asgi_parts.libraries import Libraries, Library
from tests.benchmarks.peers.asgi_parts.permissions import Caller
from tests.benchmarks.peers.asgi_parts.rate_limits import RateLimits
from tests.benchmarks.peers.asgi_parts.refusals import Refused
from tests.benchmarks.peers.asgi_parts.tokens import claims_of, require_password
from tests.benchmarks.peers.litestar_asyncpg import statements
from tests.benchmarks.peers.litestar_asyncpg.answers import grants_of


class Database:
    """The pool, made when the application starts."""

    pool: asyncpg.Pool

    async def open(self, _app: Any) -> None:
        """Connect."""
        self.pool = await asyncpg.create_pool(
            min_size=1, max_size=settings.CONNECTIONS, reset=_nothing_to_reset, **settings.database()
        )

    async def close(self, _app: Any) -> None:
        """Disconnect."""
        await self.pool.close()

    async def look_up(self, host: str) -> Library | None:
        """The library at a host."""
        row = await self.pool.fetchrow(statements.LIBRARY, host)
        return None if row is None else Library(row["id"], row["schema"])


async def _nothing_to_reset(_connection: Any) -> None:
    """Each request sets the one thing that differs, so a round trip to reset everything is saved."""


database = Database()
libraries = Libraries(database.look_up)
rate_limits = RateLimits("litestar")


class LibrarySession(ASGIMiddleware):
    """Lets a request in with its library, caller and connection, or refuses it."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Find out who calls which library; then answer."""
        headers = dict(scope["headers"])
        state: Any = scope["state"]
        library = await libraries.at(headers[b"host"].decode())
        authorization = headers.get(b"authorization")
        claims = claims_of(authorization.decode() if authorization else None, library)
        state["library"], state["user_id"] = library.schema, int(claims["sub"])
        await rate_limits.charge(library.schema, state["user_id"], state)
        async with database.pool.acquire() as connection:
            # PostgreSQL 18 reports the path with each change, so what is right already is not sent again.
            if getattr(connection.get_settings(), "search_path", None) != library.search_path:
                await connection.execute(f"SET search_path TO {library.search_path}")
            scope["user"] = await caller_of(connection, claims, library)
            state["db"] = connection
            await next_app(scope, receive, send)


async def caller_of(connection: Any, claims: dict[str, Any], library: Library) -> Caller:
    """The person behind a token, with session and rights, in one statement. Raises Refused."""
    row = await connection.fetchrow(statements.CALLER, int(claims["sub"]), claims.get("sid"))
    if row is None or not row["is_active"] or not row["session_open"]:
        raise Refused("token_invalid", 401)
    require_password(claims, library, row["password"])
    caller = Caller(row["id"], row["email"], row["name"], row["language"], grants_of(row["grants"]))
    return caller.combine(factor_asked=row["factor_asked"], has_factor=row["has_factor"])
