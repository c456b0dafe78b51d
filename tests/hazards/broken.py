"""Backends with one mend taken out each, to prove that the matrix sees what the mend is there for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from unittest import mock

from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django_tenants.postgresql_backend.base import DatabaseWrapper as StockWrapper

from saas.core.db import cursors
from saas.core.db.base import DatabaseWrapper
from saas.core.db.cursors import LibraryServerSideCursor
from saas.core.db.switching import Switch
from saas.core.tenancy import LibraryContext, in_library
from tests.hazards.readings import (
    READINGS,
    Reading,
    content_type,
    copy_in,
    copy_out,
    iterator,
    many,
    server_side_cursor,
    stream,
)
from tests.hazards.visits import Switch as Enter


@dataclass(frozen=True)
class _Done(Switch):
    """A switch that is believed to have been made."""

    def enter(self, pgconn: Any) -> None:
        """Send nothing."""


def _done(switch: Switch) -> Switch:
    return _Done(switch.path, switch.session, switch.local, switch.results)


class TrustsMemory(DatabaseWrapper):
    """Remembers the path that it sent last, and does not ask the server."""

    _sent = b""

    def current_switch(self) -> Switch:
        switch = super().current_switch()
        if switch.path == self._sent:
            return _done(switch)
        self._sent = switch.path
        return switch


class ForgetsOnReconnect(TrustsMemory):
    """The same, except that a new connection begins from nothing."""

    def get_new_connection(self, conn_params: Any) -> Any:
        self._sent = b""
        return super().get_new_connection(conn_params)


class ChecksWhenTheCursorIsMade(DatabaseWrapper):
    """Switches as django-tenants does: when a cursor is made, not when it executes."""

    def _cursor(self, name: str | None = None) -> Any:
        cursor = super()._cursor(name)
        super().current_switch().enter(self.connection.pgconn)
        return cursor

    def current_switch(self) -> Switch:
        return _done(super().current_switch())


class SwitchesTheSession(DatabaseWrapper):
    """Behind a pooler too it switches the session with one message and sends the query with the next."""

    def get_new_connection(self, conn_params: Any) -> Any:
        connection = super().get_new_connection(conn_params)
        self.carries_switch = False
        return connection


class HoldsServerSideCursors(DatabaseWrapper):
    """Declares cursors on the server outside of transactions too, where a pooler takes the session away at once."""

    def create_cursor(self, name: str | None = None) -> Any:
        if name is None:
            return super().create_cursor()
        return LibraryServerSideCursor(self.connection, name=name, withhold=self.connection.autocommit)


class Stock(StockWrapper):
    """django-tenants as it comes, but for the public schema on the path, which our scene would not show."""


@contextmanager
def _in_stock(library: LibraryContext) -> Iterator[None]:
    """What django-tenants has instead of in_library()."""
    wrapper: Any = connection
    before = wrapper.tenant
    wrapper.set_tenant(library)
    try:
        yield
    finally:
        wrapper.set_tenant(before)


@contextmanager
def _switch_sent_alone(cursor: Any) -> Iterator[None]:
    """In the place of `_switched`: no transaction holds the switch and what follows together."""
    switch = cursor._carried()
    if switch is not None:
        cursor._conn.pgconn.exec_(switch.session)
    yield


def _switches_alone() -> AbstractContextManager[Any]:
    return mock.patch.object(cursors._Checked, "_switched", _switch_sent_alone)


def _one_cache_for_all() -> AbstractContextManager[Any]:
    return mock.patch.object(ContentType.objects, "_cache", {})


@dataclass(frozen=True)
class Broken:
    """One mend taken out, and where that shows.

    `patch` is in force while the matrix runs; `pooled`: behind PgBouncer. Without roles: a role that does not fit the
    path turns many a wrong read into an error. `shows_as` is what the matrix must find: "wrong" reads or "failed" ones.
    """

    name: str
    backend: type[Any] = DatabaseWrapper
    patch: Callable[[], AbstractContextManager[Any]] = nullcontext
    pooled: bool = False
    with_pool: bool = False
    enter: Enter = in_library
    readings: tuple[Reading, ...] = READINGS
    shows_as: str = "wrong"


BROKEN = (
    Broken("the path is believed for ever", TrustsMemory),
    Broken("the path is believed for ever, with Django's pool", TrustsMemory, with_pool=True),
    Broken("the path is believed until a reconnect", ForgetsOnReconnect),
    Broken("the path is checked when a cursor is made", ChecksWhenTheCursorIsMade),
    Broken("the session is switched behind a pooler", SwitchesTheSession, pooled=True),
    Broken("executemany without its transaction", patch=_switches_alone, pooled=True, readings=(many,)),
    Broken("COPY out without its transaction", patch=_switches_alone, pooled=True, readings=(copy_out,)),
    Broken("COPY in without its transaction", patch=_switches_alone, pooled=True, readings=(copy_in,)),
    Broken("stream without its transaction", patch=_switches_alone, pooled=True, readings=(stream,)),
    Broken(
        "cursors held on the server behind a pooler",
        HoldsServerSideCursors,
        pooled=True,
        readings=(iterator, server_side_cursor),
        shows_as="failed",
    ),
    Broken("one cache of content types", patch=_one_cache_for_all, readings=(content_type,)),
    Broken("django-tenants", Stock, patch=_one_cache_for_all, pooled=True, enter=_in_stock),
)
