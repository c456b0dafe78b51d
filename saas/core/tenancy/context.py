"""The current library, held by the database connection, so that what a query reads and what code believes agree."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connection, connections

from saas.core.db.errors import NoLibraryChosen, SwitchInTransaction

P = ParamSpec("P")
R = TypeVar("R")
PUBLIC = "public"


class NoLibrary(RuntimeError):
    """Code that belongs to one library ran in the public schema."""


@dataclass(frozen=True, slots=True)
class LibraryContext:
    """What a request needs to know of its library, loaded once from the public schema and never changed.

    `primary_host` is the host name that links in mails use, without a port; `language` is what its pages speak to a
    browser that asks for none that we have. Pages at `allowed_origins` may call its API (saas.core.cors).
    """

    id: uuid.UUID
    schema_name: str
    subdomain: str
    name: str
    status: str
    plan: str
    primary_host: str
    language: str = "en"
    allowed_origins: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether its people may work with it (trialing, active, past_due or, read-only, restricted)."""
        return self.status in {"trialing", "active", "past_due", "restricted"}


@dataclass(frozen=True, slots=True)
class _Public:
    schema_name: str = PUBLIC


_PUBLIC_SITE = _Public()


def current_schema() -> str:
    """Name of the schema that queries run in: a library's, or "public".

    Raises NoLibraryChosen in a thread that has entered neither.
    """
    schema = cast(Any, connection).schema_name
    if schema is None:
        raise NoLibraryChosen("this thread has chosen neither a library nor the public schema")
    return cast(str, schema)


def current_library_or_none() -> LibraryContext | None:
    """The library that queries run in, or None in the public schema."""
    tenant = cast(Any, connection).tenant
    return tenant if isinstance(tenant, LibraryContext) else None


def current_library() -> LibraryContext:
    """The library that queries run in. Raises NoLibrary in the public schema."""
    library = current_library_or_none()
    if library is None:
        raise NoLibrary(f"this code belongs to one library, but the current schema is {current_schema()!r}")
    return library


def in_library(
    library: LibraryContext, *, same_transaction: bool = False
) -> AbstractContextManager[LibraryContext]:
    """Run a block in a library's schema and return to the one before, whatever happens inside.

    Raises SwitchInTransaction inside an open transaction of another schema, whose rows may live on another node
    (scale.md, rules 1 and 7). `same_transaction` is for making a library alone.
    """
    return _Switched(library, same_transaction)


def in_public() -> AbstractContextManager[Any]:
    """Run a block in the public schema, where libraries, domains, plans and billing live.

    Raises SwitchInTransaction inside an open transaction of a library.
    """
    return _Switched(_PUBLIC_SITE, False)


def carried(function: Callable[P, R]) -> Callable[P, R]:
    """The function, to be called in another thread in the library (or public schema) that is current now.

    For executors and threads, which have connections of their own and know no library. The connection that a call
    opens in its thread is closed at its end.
    """
    tenant = cast(Any, connection).tenant
    current_schema()
    home = threading.get_ident()

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with _Switched(tenant, False):
                return function(*args, **kwargs)
        finally:
            if threading.get_ident() != home:
                connection.close()

    return call


class _Switched(AbstractContextManager[Any]):
    """The switch to a schema and back, which every request makes: no generator, and one look for the connection."""

    __slots__ = ("_before", "_same_transaction", "_tenant", "_wrapper")

    def __init__(self, tenant: LibraryContext | _Public, same_transaction: bool) -> None:
        self._tenant, self._same_transaction = tenant, same_transaction

    def __enter__(self) -> Any:
        wrapper = self._wrapper = cast(Any, connections[DEFAULT_DB_ALIAS])
        before = wrapper.tenant
        if not self._same_transaction:
            _require_no_transaction(wrapper, self._tenant.schema_name)
        wrapper.set_tenant(self._tenant)
        self._before = before
        return self._tenant

    def __exit__(self, *_error: object) -> None:
        self._wrapper.set_tenant(self._before)


def _require_no_transaction(wrapper: Any, schema: str) -> None:
    if wrapper.schema_name in (schema, None) or not wrapper.in_atomic_block:
        return
    # The transaction that Django's TestCase wraps around a test belongs to no library.
    if all(block._from_testcase for block in wrapper.atomic_blocks):
        return
    raise SwitchInTransaction(
        f"a transaction of {wrapper.schema_name} is open: no switch to {schema} inside it"
    )
