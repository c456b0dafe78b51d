"""The broker of the benchmark: the Redis server of the environment, under a prefix of its own that is emptied."""

from __future__ import annotations

import os
from typing import Any

import redis

KEY_PREFIX = "lh_benchmark:"
_BATCH = 500


def environment_redis() -> str:
    """The address of the Redis server that this run uses."""
    return os.environ["REDIS_URL"]


def transport_options() -> dict[str, Any]:
    """Celery's options: every key of the broker begins with KEY_PREFIX."""
    return {
        "global_keyprefix": KEY_PREFIX,
        "visibility_timeout": 3600,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
    }


def forget_messages(broker: str) -> int:
    """Delete what a run has sent, since nothing consumes it; the number of keys. `broker` is a plain Redis URL."""
    client = redis.Redis.from_url(broker)
    try:
        keys = list(client.scan_iter(f"{KEY_PREFIX}*", count=_BATCH))
        return sum(int(client.delete(*keys[at : at + _BATCH])) for at in range(0, len(keys), _BATCH))
    finally:
        client.close()
