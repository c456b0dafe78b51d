"""Work that moves to another thread takes its library along, or its queries fail; it never runs in another one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import close_old_connections, connection
from django.test import Client

from saas.core.tenancy import (
    NoLibraryChosen,
    WrongLibrary,
    carried,
    current_library,
    current_library_or_none,
    current_schema,
    in_library,
    in_public,
)
from shared_apps.accounts.models import User

Work = Callable[[], Any]
Elsewhere = Callable[[Work], Any]


def mark() -> str:
    """The subdomain that the current library's accounts name."""
    address = User.objects.get(email__startswith="librarian@").email
    return address.removeprefix("librarian@").removesuffix(".example")


def raw_mark() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT email FROM accounts_user WHERE email LIKE 'librarian@%'")
        return str(cursor.fetchone()[0]).removeprefix("librarian@").removesuffix(".example")


def closing(work: Work) -> Work:
    """The work, and then its thread's connection closed: the test leaves none open."""

    def run() -> Any:
        try:
            return work()
        finally:
            connection.close()

    return run


# -- the ways into another thread ---------------------------------------------------------------------------------------------


def a_thread(work: Work) -> Any:
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(work())
        except RuntimeError as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=30)
    if isinstance(outcome[0], RuntimeError):
        raise outcome[0]
    return outcome[0]


def an_executor(work: Work) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result(timeout=30)


def asyncio_to_thread(work: Work) -> Any:
    return asyncio.run(asyncio.to_thread(work))


def asyncio_executor(work: Work) -> Any:
    async def run() -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, work)

    return asyncio.run(run())


def sync_to_async_in_a_pool(work: Work) -> Any:
    return asyncio.run(sync_to_async(work, thread_sensitive=False)())


def sync_to_async_without_a_caller(work: Work) -> Any:
    return asyncio.run(sync_to_async(work)())


WAYS = [
    a_thread,
    an_executor,
    asyncio_to_thread,
    asyncio_executor,
    sync_to_async_in_a_pool,
    sync_to_async_without_a_caller,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("work", [mark, raw_mark], ids=lambda work: work.__name__)
def test_without_a_library_a_query_fails(east: Any, way: Elsewhere, work: Work) -> None:
    with in_library(east):
        with pytest.raises(NoLibraryChosen):
            way(closing(work))
        assert work() == "east"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("work", [mark, raw_mark], ids=lambda work: work.__name__)
def test_carried_along_it_reads_its_own(east: Any, west: Any, way: Elsewhere, work: Work) -> None:
    for library in (east, west):
        with in_library(library):
            packed = carried(work)
            assert way(packed) == library.subdomain
        # What was packed in a library stays there, wherever it is called.
        assert way(packed) == library.subdomain
        with in_public():
            assert way(packed) == library.subdomain


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_entered_there_it_reads_its_own(east: Any, way: Elsewhere) -> None:
    def enter() -> str:
        with in_library(east):
            return mark()

    assert way(closing(enter)) == "east"


def test_nothing_else_of_a_library_works_in_a_bare_thread(east: Any) -> None:
    with in_library(east):
        for ask in (
            current_schema,
            lambda: cache.get("anything"),
            lambda: cache.set("anything", 1),
            lambda: default_storage.exists("anything"),
        ):
            with pytest.raises(NoLibraryChosen):
                a_thread(closing(ask))
        assert a_thread(closing(current_library_or_none)) is None
        with pytest.raises((NoLibraryChosen, RuntimeError)):
            a_thread(closing(current_library))


def test_carried_work_leaves_its_thread_as_it_was(east: Any) -> None:
    def look() -> list[Any]:
        return [current_library_or_none(), connection.connection]

    with in_library(east):
        packed = carried(mark)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(packed).result(timeout=30) == "east"
        assert pool.submit(look).result(timeout=30) == [None, None]
        with pytest.raises(NoLibraryChosen):
            pool.submit(closing(mark)).result(timeout=30)


def test_an_error_in_carried_work_is_its_callers(east: Any) -> None:
    def fail() -> None:
        mark()
        raise ZeroDivisionError

    with in_library(east), ThreadPoolExecutor(1) as pool:
        with pytest.raises(ZeroDivisionError):
            pool.submit(carried(fail)).result(timeout=30)
        with pytest.raises(NoLibraryChosen):
            pool.submit(closing(mark)).result(timeout=30)
        assert mark() == "east"


def test_nothing_can_be_packed_where_no_library_is_chosen() -> None:
    with pytest.raises(NoLibraryChosen):
        a_thread(lambda: carried(mark))


def test_two_libraries_share_the_threads_of_one_executor(east: Any, west: Any) -> None:
    expected, running = [], []
    with ThreadPoolExecutor(4) as pool:
        for turn in range(200):
            library = (east, west)[turn % 2]
            with in_library(library):
                running.append(pool.submit(carried(mark if turn % 3 else raw_mark)))
            expected.append(library.subdomain)
        assert [each.result(timeout=60) for each in running] == expected


# -- requests ---------------------------------------------------------------------------------------------------------------


def test_a_thread_of_the_web_server_has_no_library_between_requests(east: Any) -> None:
    def serve() -> list[Any]:
        client = Client(HTTP_HOST="east.localhost")
        statuses = [client.get("/health/live/").status_code for _ in range(2)]
        return [*statuses, current_library_or_none()]

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(closing(serve)).result(timeout=60) == [200, 200, None]
        with pytest.raises(NoLibraryChosen):
            pool.submit(closing(mark)).result(timeout=60)


def test_a_session_that_has_broken_is_given_up_where_no_library_is_chosen(east: Any) -> None:
    """Django looks at it before and after each request, outside of every library."""

    def break_and_mend() -> list[Any]:
        with in_library(east):
            seen = [mark()]
            connection.connection.close()
            connection.errors_occurred = True
        close_old_connections()
        seen.append(connection.connection)
        with in_library(east):
            seen.append(mark())
            connection.errors_occurred = True
        session = connection.connection
        close_old_connections()
        return [*seen, connection.connection is session]

    assert an_executor(closing(break_and_mend)) == ["east", None, "east", True]


# -- asynchronous code --------------------------------------------------------------------------------------------------------


def test_an_asynchronous_query_runs_in_another_thread_and_fails_there(east: Any) -> None:
    async def ask() -> Any:
        with in_library(east):
            return await User.objects.aget(email__startswith="librarian@")

    with pytest.raises(NoLibraryChosen):
        asyncio.run(ask())


def test_an_asynchronous_query_is_not_taken_into_its_callers_library(east: Any, west: Any) -> None:
    """From synchronous code the query runs in the caller's thread, where another library is chosen."""

    async def ask() -> Any:
        with in_library(west):
            return await User.objects.aget(email__startswith="librarian@")

    async def ask_carried() -> Any:
        with in_library(west):
            return await sync_to_async(carried(mark))()

    with in_library(east):
        with pytest.raises(WrongLibrary):
            async_to_sync(ask)()
        assert async_to_sync(ask_carried)() == "west"
        assert mark() == "east"


def test_many_tasks_of_two_libraries_at_once(east: Any, west: Any) -> None:
    libraries = [east, west] * 20

    async def ask(library: Any) -> Any:
        with in_library(library):
            packed = carried(mark)
        await asyncio.sleep(0)
        return await sync_to_async(packed, thread_sensitive=False)()

    async def ask_all() -> list[Any]:
        return await asyncio.gather(*(ask(library) for library in libraries))

    assert asyncio.run(ask_all()) == [library.subdomain for library in libraries]
