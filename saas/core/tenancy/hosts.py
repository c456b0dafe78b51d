"""Host name to library: the host decides, and nothing else does.

A bounded cache in each process answers known hosts and, for a shorter time, unknown ones: a name costs a query when it
is first asked for, and a scan of random names pushes no library out. Whoever changes a library calls `forget_hosts`,
and every process hears of it within a second (saas.core.tenancy.announcements). Without Redis nothing is told, and what
is known is believed for BLIND_SECONDS only.
"""

from __future__ import annotations

import functools
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import structlog
from django.conf import settings
from django.utils.module_loading import import_string
from redis.exceptions import RedisError

from saas.core.tenancy.announcements import Watch, announce
from saas.core.tenancy.context import LibraryContext, in_public

Resolver = Callable[[str], LibraryContext | None]
MAX_HOST_LENGTH = 253
BLIND_SECONDS = 5.0
log = structlog.get_logger(__name__)


class UnknownHost(LookupError):
    """No library and not the public site."""


@dataclass(frozen=True, slots=True)
class _Entry:
    library: LibraryContext | None
    loaded: float
    expires: float


class HostCache:
    """At most `size` hosts that have a library and as many that have none, each for a bounded time; thread-safe.

    The oldest of its kind goes first.
    """

    def __init__(self, size: int, hit_seconds: float, miss_seconds: float) -> None:
        self._size, self._hit_seconds, self._miss_seconds = (
            size,
            hit_seconds,
            miss_seconds,
        )
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._misses: OrderedDict[str, _Entry] = OrderedDict()
        self._cleared = 0
        self._lock = threading.Lock()

    def find(self, host: str, load: Resolver, max_age: float = math.inf) -> LibraryContext | None:
        """The host's library, known for at most `max_age` seconds, or through `load`; None where it has none."""
        now = time.monotonic()
        entry = self._entries.get(host) or self._misses.get(host)
        if entry is None or entry.expires <= now or now - entry.loaded >= max_age:
            cleared = self._cleared
            library = load(host)
            lifetime = self._miss_seconds if library is None else self._hit_seconds
            entry = _Entry(library, now, now + lifetime)
            self._keep(host, entry, cleared)
        return entry.library

    def _keep(self, host: str, entry: _Entry, cleared: int) -> None:
        with self._lock:
            if cleared != self._cleared:
                return  # a change was committed while this was read, and may not be in it
            kept, other = (self._entries, self._misses) if entry.library else (self._misses, self._entries)
            other.pop(host, None)
            kept[host] = entry
            kept.move_to_end(host)
            while len(kept) > self._size:
                kept.popitem(last=False)

    def clear(self) -> None:
        """Forget every host."""
        with self._lock:
            self._entries.clear()
            self._misses.clear()
            self._cleared += 1

    def __len__(self) -> int:
        return len(self._entries) + len(self._misses)


_cache: HostCache | None = None
watch = Watch()


def _host_cache() -> HostCache:
    global _cache
    if _cache is None:
        _cache = HostCache(
            settings.LIBRARY_HOST_CACHE_SIZE,
            settings.LIBRARY_HOST_CACHE_SECONDS,
            settings.LIBRARY_HOST_MISS_CACHE_SECONDS,
        )
    return _cache


def forget_hosts() -> None:
    """Call after a library's status, plan, name or host changed and was committed: every process looks it up again.

    This one at once, the others within a second. Where Redis is away they keep what they know for BLIND_SECONDS, or, if
    it is away for this process alone, for LIBRARY_HOST_CACHE_SECONDS unless the outbox tells them earlier.
    """
    _host_cache().clear()
    try:
        announce()
    except (RedisError, OSError) as error:
        log.warning("hosts.not_announced", error=type(error).__name__)


def normalise_host(raw: str) -> str:
    """Lower-case host name without port and final dot; "" for what cannot be a host name (IPv6, spaces, controls)."""
    # A name of the longest length, with a port and blanks; what is longer is not remembered.
    return _normalised(raw) if len(raw) < 2 * MAX_HOST_LENGTH else _normalised.__wrapped__(raw)


@functools.lru_cache(maxsize=4096)
def _normalised(raw: str) -> str:
    host = raw.strip().lower()
    name, colon, port = host.rpartition(":")
    if colon:
        if not (port.isascii() and port.isdigit()):
            return ""
        host = name
    host = host.removesuffix(".")
    # An IP address reaches the public site only where BASE_DOMAINS names it.
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    if not host or len(host) > MAX_HOST_LENGTH or not set(host) <= allowed or ".." in host:
        return ""
    return host


def is_public_host(host: str) -> bool:
    """Whether a normalised host is the public site: a base domain itself or its `www`."""
    return any(host in (base, f"www.{base}") for base in settings.BASE_DOMAINS)


def subdomain_of(host: str) -> str | None:
    """The one label before a base domain, or None where the host is not directly below one."""
    for base in settings.BASE_DOMAINS:
        label, dot, rest = host.partition(".")
        if dot and rest == base:
            return label
    return None


def address_after_renaming(raw_host: str, library: LibraryContext) -> str | None:
    """Host and port where a library that was found by a subdomain that it gave up is now; None by any other name."""
    host = normalise_host(raw_host)
    label = subdomain_of(host)
    if label is None or label == library.subdomain:
        return None
    _, colon, port = raw_host.strip().rpartition(":")
    return f"{library.subdomain}.{host.partition('.')[2]}{colon}{port if colon else ''}"


def library_for_host(raw_host: str) -> LibraryContext | None:
    """The library that a Host header names, or None for the public site.

    Raises UnknownHost for every other name, without a database query while the answer is cached.
    """
    host = normalise_host(raw_host)
    if host and is_public_host(host):
        return None
    library = _find(host) if host else None
    if library is None:
        raise UnknownHost(raw_host[:MAX_HOST_LENGTH])
    return library


def _find(host: str) -> LibraryContext | None:
    cache = _host_cache()
    if watch.has_changed():
        cache.clear()
    return cache.find(host, _load, BLIND_SECONDS if watch.is_blind else math.inf)


def _load(host: str) -> LibraryContext | None:
    resolver = cast(Resolver, import_string(settings.LIBRARY_RESOLVER))
    with in_public():
        return resolver(host)
