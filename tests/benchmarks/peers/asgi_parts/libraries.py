"""Which library a host name means, remembered for a minute, as ours remembers it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tests.benchmarks.peers.asgi_parts.refusals import Refused
from tests.benchmarks.peers.asgi_parts.settings import LIBRARY_SECONDS

BY_HOST = """
    SELECT library.id::text AS id, library.schema_name AS schema
    FROM public.tenants_domain AS domain JOIN public.tenants_library AS library ON library.id = domain.tenant_id
    WHERE domain.domain = {host} AND library.status IN ('trialing', 'active', 'past_due', 'restricted')
"""


class Library(NamedTuple):
    """Id and schema; the schema's name comes from our own table and is plain."""

    id: str
    schema: str

    @property
    def search_path(self) -> str:
        """Where its tables are."""
        return f"{self.schema}, extensions"


class Libraries:
    """Finds libraries with `look_up`, once a minute for each host."""

    def __init__(self, look_up: Callable[[str], Awaitable[Library | None]]) -> None:
        self._look_up = look_up
        self._found: dict[str, tuple[float, Library]] = {}

    async def at(self, host: str) -> Library:
        """The library at this host. Raises Refused."""
        name = host.partition(":")[0].lower()
        known = self._found.get(name)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        library = await self._look_up(name)
        if library is None:
            raise Refused("unknown_library", 404)
        self._found[name] = (time.monotonic() + LIBRARY_SECONDS, library)
        return library
