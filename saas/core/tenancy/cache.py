"""The Redis cache, with keys prefixed by the current schema: no library can read, guess or clear another's entries."""

from __future__ import annotations

from typing import Any

from django_redis.cache import RedisCache

from saas.core.tenancy.context import current_schema


def library_key(key: str, key_prefix: str, version: int) -> str:
    """KEY_FUNCTION: schema, prefix, version, key. Schema names hold no colon: a key cannot pretend to be another's."""
    return f"{current_schema()}:{key_prefix}:{version}:{key}"


def library_key_reverse(key: str) -> str:
    """REVERSE_KEY_FUNCTION: the key as the caller knows it."""
    return key.split(":", 3)[3]


class LibraryCache(RedisCache):
    """django-redis, except that `clear()` empties the current library alone (stock: FLUSHDB for every library)."""

    def clear(self) -> Any:
        """Delete every entry of the current schema."""
        return self.delete_pattern("*")
