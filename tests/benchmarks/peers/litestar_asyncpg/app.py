"""The reads, and the application: Litestar with asyncpg and msgspec, as its users write it for speed."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from asyncpg import Connection
from litestar import Litestar, Request, Response, get
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.params import Parameter

from tests.benchmarks.peers.asgi_parts import pages
from tests.benchmarks.peers.asgi_parts.context import RequestContext
from tests.benchmarks.peers.asgi_parts.permissions import Caller, allowed_by
from tests.benchmarks.peers.asgi_parts.refusals import Refused, problem
from tests.benchmarks.peers.litestar_asyncpg import desk, statements
from tests.benchmarks.peers.litestar_asyncpg.answers import (
    Borrower,
    Branch,
    Me,
    Page,
    Role,
    Title,
    TitleInList,
)
from tests.benchmarks.peers.litestar_asyncpg.session import LibrarySession, database, rate_limits

Asked = Request[Caller, Any, Any]
PageSize = Annotated[int, Parameter(ge=1, le=100)]


def may_see_the_catalogue(connection: ASGIConnection, _handler: BaseRouteHandler) -> None:
    """Guard. Raises Refused."""
    connection.user.require("catalog.view")


@get("/api/v1/titles/", guards=[may_see_the_catalogue])
async def titles(request: Asked, page_size: PageSize = 25, cursor: str | None = None) -> Page[TitleInList]:
    """Titles, the newest first."""
    connection: Connection = request.state.db
    rows = await connection.fetch(statements.TITLES, pages.title_position(cursor), page_size + 1)
    found = [TitleInList(**row) for row in rows[:page_size]]
    for title in found:
        title.contributors = list(dict.fromkeys(title.contributors))
    return page(request, found, page_size, found[-1].id if len(rows) > page_size else None)


@get("/api/v1/titles/{title_id:int}/", guards=[may_see_the_catalogue])
async def one_title(request: Asked, title_id: int) -> Title:
    """One title with everything."""
    row = await request.state.db.fetchrow(statements.TITLE, title_id)
    if row is None:
        raise Refused("not_found", 404)
    *plain, contributors, subjects = row.values()
    return Title(*plain, msgspec.Raw(contributors.encode()), msgspec.Raw(subjects.encode()))


@get("/api/v1/branches/", guards=[may_see_the_catalogue])
async def branches(request: Asked, page_size: PageSize = 25, cursor: str | None = None) -> Page[Branch]:
    """Branches by code."""
    rows = await request.state.db.fetch(statements.BRANCHES, pages.position(cursor) or "", page_size + 1)
    found = [Branch(*row.values()) for row in rows[:page_size]]
    return page(request, found, page_size, found[-1].code if len(rows) > page_size else None)


def page(request: Asked, found: list[Any], page_size: int, last: str | None) -> Page[Any]:
    """A page; `last` is where the next one begins."""
    if last is None:
        return Page(None, None, found)
    host = request.headers["host"]
    return Page(
        pages.address("http", host, f"{request.scope['path'].rstrip('/')}/", page_size, last), None, found
    )


@get("/api/v1/me/")
async def me(request: Asked) -> Me:
    """The caller, and what they may do."""
    caller = request.user
    patron = await request.state.db.fetchrow(statements.PATRON_OF_USER, caller.id)
    return Me(
        id=str(caller.id),
        email=caller.email,
        name=caller.name,
        language=caller.language,
        roles=[
            Role(grant.id, grant.role, grant.branch, grant.collection, sorted(allowed_by(grant)))
            for grant in caller.grants
        ],
        permissions=sorted(caller.everywhere),
        branch_permissions={code: sorted(names) for code, names in caller.by_branch.items()},
        collection_permissions={code: sorted(names) for code, names in caller.by_collection.items()},
        patron=None if patron is None else Borrower(*patron.values()),
    )


def refuse(request: Request[Any, Any, Any], refused: Refused) -> Response[dict[str, Any]]:
    """A refusal as a problem document."""
    body = problem(refused, request.state.request_id)
    return Response(body, status_code=refused.status, media_type="application/problem+json")


async def close_redis(_app: Litestar) -> None:
    """Give back the connections."""
    await rate_limits.close()


application = RequestContext(
    Litestar(
        [titles, one_title, branches, me, desk.lend, desk.take_back],
        middleware=[LibrarySession()],
        exception_handlers={Refused: refuse},
        on_startup=[database.open],
        on_shutdown=[database.close, close_redis],
        openapi_config=None,
        logging_config=None,
    )
)
