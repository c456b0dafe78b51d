"""The current library, held by the database connection, so that what a query reads and what code believes agree."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from django.db import connection

PUBLIC = "public"


class NoLibrary(RuntimeError):
    """Code that belongs to one library ran in the public schema."""


@dataclass(frozen=True, slots=True)
class LibraryContext:
    """What a request needs to know of its library, loaded once from the public schema and never changed.

    `primary_host` is the host name that links in mails use, without a port; `language` is what its pages speak to a
    browser that asks for none that we have.
    """

    id: uuid.UUID
    schema_name: str
    subdomain: str
    name: str
    status: str
    plan: str
    primary_host: str
    language: str = "en"

    @property
    def is_open(self) -> bool:
        """Whether its people may work with it (trialing, active, past_due or, read-only, restricted)."""
        return self.status in {"trialing", "active", "past_due", "restricted"}


@dataclass(frozen=True, slots=True)
class _Public:
    schema_name: str = PUBLIC


_PUBLIC_SITE = _Public()


def current_schema() -> str:
    """Name of the schema that queries run in: a library's, or "public"."""
    return cast(str, cast(Any, connection).schema_name)


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


@contextmanager
def in_library(library: LibraryContext) -> Iterator[LibraryContext]:
    """Run a block in a library's schema and return to the one before, whatever happens inside."""
    with _switched_to(library):
        yield library


@contextmanager
def in_public() -> Iterator[None]:
    """Run a block in the public schema, where libraries, domains, plans and billing live."""
    with _switched_to(_PUBLIC_SITE):
        yield


@contextmanager
def _switched_to(tenant: LibraryContext | _Public) -> Iterator[None]:
    wrapper = cast(Any, connection)
    before = wrapper.tenant
    wrapper.set_tenant(tenant)
    try:
        yield
    finally:
        wrapper.set_tenant(before)
