"""The reads, and the application: FastAPI with SQLAlchemy's asynchronous ORM, as its users write it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy import select
from sqlalchemy.orm import joinedload, load_only, selectinload, undefer

from tests.benchmarks.peers.asgi_parts import pages
from tests.benchmarks.peers.asgi_parts.context import RequestContext
from tests.benchmarks.peers.asgi_parts.permissions import allowed_by
from tests.benchmarks.peers.asgi_parts.refusals import Refused, problem
from tests.benchmarks.peers.fastapi_sqlalchemy import desk
from tests.benchmarks.peers.fastapi_sqlalchemy.answers import (
    Borrower,
    BranchAnswer,
    Me,
    Page,
    RoleHeld,
    TitleAnswer,
    TitleInList,
)
from tests.benchmarks.peers.fastapi_sqlalchemy.session import (
    Session,
    Somebody,
    engine,
    rate_limits,
    requires,
)
from tests.benchmarks.peers.fastapi_sqlalchemy.tables import (
    Branch,
    Patron,
    Title,
    TitleContributor,
    TitleSubject,
)

PageSize = Annotated[int, Query(ge=1, le=100)]
router = APIRouter(prefix="/api/v1")
may_see_the_catalogue = [Depends(requires("catalog.view"))]

_COUNTS = (undefer(Title.copies_total), undefer(Title.copies_available))
_NAMES = selectinload(Title.contributions).joinedload(TitleContributor.contributor, innerjoin=True)
_LISTED = select(Title).options(
    load_only(
        Title.id,
        Title.title,
        Title.subtitle,
        Title.year,
        Title.language,
        Title.isbns,
        Title.material_type,
    ),
    *_COUNTS,
    _NAMES,
)
_WHOLE = select(Title).options(
    *_COUNTS,
    _NAMES,
    joinedload(Title.in_collection),
    selectinload(Title.subject_links).joinedload(TitleSubject.subject, innerjoin=True),
)


@router.get("/titles/", dependencies=may_see_the_catalogue)
async def titles(
    request: Request, session: Session, page_size: PageSize = 25, cursor: str | None = None
) -> Page[TitleInList]:
    """Titles, the newest first."""
    below = pages.title_position(cursor)
    wanted = _LISTED.where(Title.id < below).order_by(Title.id.desc()).limit(page_size + 1)
    found = (await session.scalars(wanted)).all()
    last = found[page_size - 1].id if len(found) > page_size else None
    results = [TitleInList.model_validate(title) for title in found[:page_size]]
    return Page(next=address(request, page_size, last), results=results)


@router.get("/titles/{title_id}/", dependencies=may_see_the_catalogue)
async def one_title(title_id: int, session: Session) -> TitleAnswer:
    """One title with everything."""
    title = await session.scalar(_WHOLE.where(Title.id == title_id))
    if title is None:
        raise Refused("not_found", 404)
    return TitleAnswer.model_validate(title)


@router.get("/branches/", dependencies=may_see_the_catalogue)
async def branches(
    request: Request, session: Session, page_size: PageSize = 25, cursor: str | None = None
) -> Page[BranchAnswer]:
    """Branches by code."""
    after = pages.position(cursor) or ""
    wanted = select(Branch).where(Branch.code > after).order_by(Branch.code).limit(page_size + 1)
    found = (await session.scalars(wanted)).all()
    last = found[page_size - 1].code if len(found) > page_size else None
    results = [BranchAnswer.model_validate(branch) for branch in found[:page_size]]
    return Page(next=address(request, page_size, last), results=results)


def address(request: Request, page_size: int, last: object) -> str | None:
    """Where the next page is; None after the last one."""
    if last is None:
        return None
    return pages.address(request.url.scheme, request.headers["host"], request.url.path, page_size, last)


@router.get("/me/")
async def me(session: Session, caller: Somebody) -> Me:
    """The caller, and what they may do."""
    found = select(Patron).where(Patron.user_id == caller.id).options(selectinload(Patron.cards))
    patron = await session.scalar(found)
    return Me(
        id=str(caller.id),
        email=caller.email,
        name=caller.name,
        language=caller.language,
        roles=[
            RoleHeld(
                assignment=str(grant.id),
                role=grant.role,
                branch=grant.branch,
                collection=grant.collection,
                permissions=sorted(allowed_by(grant)),
            )
            for grant in caller.grants
        ],
        permissions=sorted(caller.everywhere),
        branch_permissions={code: sorted(names) for code, names in caller.by_branch.items()},
        collection_permissions={code: sorted(names) for code, names in caller.by_collection.items()},
        patron=None if patron is None else borrower(patron),
    )


def borrower(patron: Patron) -> Borrower:
    """The caller as a patron."""
    numbers = [card.number for card in patron.cards if card.lost_at is None]
    return Borrower(id=str(patron.id), card_numbers=numbers)


async def refuse(request: Request, refused: Any) -> JSONResponse:
    """A refusal as a problem document."""
    body = problem(refused, request.state.request_id)
    return JSONResponse(body, refused.status, media_type="application/problem+json")


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Give back the connections at the end."""
    yield
    await rate_limits.close()
    await engine.dispose()


app = FastAPI(lifespan=lifespan, openapi_url=None)
app.include_router(router)
app.include_router(desk.router)
app.add_exception_handler(Refused, refuse)
application = RequestContext(app)
