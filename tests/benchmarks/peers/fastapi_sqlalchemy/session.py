"""Dependencies: the library of the host, a session with its search_path, the caller of the token."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import selectinload

from tests.benchmarks.peers.asgi_parts import settings
from tests.benchmarks.peers.asgi_parts.libraries import BY_HOST, Libraries, Library
from tests.benchmarks.peers.asgi_parts.permissions import Caller
from tests.benchmarks.peers.asgi_parts.rate_limits import RateLimits
from tests.benchmarks.peers.asgi_parts.refusals import Refused
from tests.benchmarks.peers.asgi_parts.tokens import claims_of, require_password
from tests.benchmarks.peers.fastapi_sqlalchemy.tables import (
    Authenticator,
    BlacklistedToken,
    OutstandingToken,
    Preferences,
    RoleAssignment,
    User,
)

engine = create_async_engine(
    "postgresql+asyncpg://",
    pool_size=settings.CONNECTIONS,
    max_overflow=0,
    connect_args=settings.database(),
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


async def look_up(host: str) -> Library | None:
    """The library at a host."""
    async with engine.connect() as connection:
        row = (await connection.execute(text(BY_HOST.format(host=":host")), {"host": host})).first()
        return None if row is None else Library(row.id, row.schema)


libraries = Libraries(look_up)
rate_limits = RateLimits("fastapi")


async def library_of(request: Request) -> Library:
    """The library that the host names."""
    library = await libraries.at(request.headers["host"])
    request.state.library = library.schema
    return library


async def claims(request: Request, library: Annotated[Library, Depends(library_of)]) -> dict[str, Any]:
    """The token's claims; the request is counted before the database is asked anything."""
    found = claims_of(request.headers.get("authorization"), library)
    request.state.user_id = int(found["sub"])
    await rate_limits.charge(library.schema, request.state.user_id, request.scope["state"])
    return found


async def session_of(library: Annotated[Library, Depends(library_of)]) -> AsyncIterator[AsyncSession]:
    """A session in the library's schema; the setting ends with the transaction."""
    async with sessions() as session:
        await session.execute(text(f"SET LOCAL search_path TO {library.search_path}"))
        yield session


_ended = exists().where(BlacklistedToken.token_id == OutstandingToken.id)
_FACTORS = exists().where(Authenticator.user_id == User.id, Authenticator.type.in_(["totp", "webauthn"]))
_FACTOR_ASKED = select(Preferences.values["admins_need_mfa"]).limit(1).scalar_subquery()
_ROLES = selectinload(User.assignments)
_PERSON = select(User, _FACTORS.label("has_factor"), _FACTOR_ASKED.label("factor_asked")).options(
    _ROLES.joinedload(RoleAssignment.held),
    _ROLES.joinedload(RoleAssignment.at_branch),
    _ROLES.joinedload(RoleAssignment.of_collection),
)


async def caller_of(
    library: Annotated[Library, Depends(library_of)],
    token: Annotated[dict[str, Any], Depends(claims)],
    session: Annotated[AsyncSession, Depends(session_of)],
) -> Caller:
    """The person behind the token, with session and rights. Raises Refused."""
    open_session = exists().where(
        OutstandingToken.jti == token.get("sid"), OutstandingToken.user_id == User.id, ~_ended
    )
    row = (await session.execute(_PERSON.where(User.id == int(token["sub"]), open_session))).first()
    if row is None or not row.User.is_active:
        raise Refused("token_invalid", 401)
    user = row.User
    require_password(token, library, user.password)
    caller = Caller(user.id, user.email, user.name, user.language, user.assignments)
    return caller.combine(factor_asked=bool(row.factor_asked), has_factor=row.has_factor)


Session = Annotated[AsyncSession, Depends(session_of)]
Somebody = Annotated[Caller, Depends(caller_of)]


def requires(permission: str) -> Callable[..., Any]:
    """A dependency that lets through who holds the permission."""

    async def check(caller: Somebody) -> Caller:
        caller.require(permission)
        return caller

    return check
