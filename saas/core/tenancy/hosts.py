"""Host name to library: the host decides, and nothing else does.

A bounded cache in each process answers known hosts and, for a shorter time, unknown ones, so that a scan of random
names costs no database query per request. Whoever changes a library calls `forget`.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from saas.core.tenancy.context import LibraryContext, in_public

Resolver = Callable[[str], LibraryContext | None]
MAX_HOST_LENGTH = 253


class UnknownHost(LookupError):
    """No library and not the public site."""


@dataclass(frozen=True, slots=True)
class _Entry:
    library: LibraryContext | None
    expires: float


class HostCache:
    """At most `size` hosts, each for a bounded time; thread-safe; the oldest goes first."""

    def __init__(self, size: int, hit_seconds: float, miss_seconds: float) -> None:
        self._size, self._hit_seconds, self._miss_seconds = (
            size,
            hit_seconds,
            miss_seconds,
        )
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._cleared = 0
        self._lock = threading.Lock()

    def find(self, host: str, load: Resolver) -> LibraryContext | None:
        """The host's library, from the cache or through `load`; None where it has none."""
        now = time.monotonic()
        entry = self._entries.get(host)
        if entry is None or entry.expires <= now:
            cleared = self._cleared
            library = load(host)
            entry = _Entry(
                library,
                now + (self._miss_seconds if library is None else self._hit_seconds),
            )
            self._keep(host, entry, cleared)
        return entry.library

    def _keep(self, host: str, entry: _Entry, cleared: int) -> None:
        with self._lock:
            if cleared != self._cleared:
                return  # a change was committed while this was read, and may not be in it
            self._entries[host] = entry
            self._entries.move_to_end(host)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget every host."""
        with self._lock:
            self._entries.clear()
            self._cleared += 1

    def __len__(self) -> int:
        return len(self._entries)


_cache: HostCache | None = None


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
    """Call after a library's status, plan, name or host changed: this process looks it up again.

    Other processes follow within LIBRARY_HOST_CACHE_SECONDS.
    """
    _host_cache().clear()


def normalise_host(raw: str) -> str:
    """Lower-case host name without port and final dot; "" for what cannot be a host name (IPv6, spaces, controls)."""
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


def library_for_host(raw_host: str) -> LibraryContext | None:
    """The library that a Host header names, or None for the public site.

    Raises UnknownHost for every other name, without a database query while the answer is cached.
    """
    host = normalise_host(raw_host)
    if host and is_public_host(host):
        return None
    library = _host_cache().find(host, _load) if host else None
    if library is None:
        raise UnknownHost(raw_host[:MAX_HOST_LENGTH])
    return library


def _load(host: str) -> LibraryContext | None:
    resolver = cast(Resolver, import_string(settings.LIBRARY_RESOLVER))
    with in_public():
        return resolver(host)
