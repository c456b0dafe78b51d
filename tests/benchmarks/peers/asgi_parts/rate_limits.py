"""Rate limits in Redis, one Lua call for all policies of a request: two counters each, weighed by the time gone by."""

from __future__ import annotations

from typing import Any

import redis.asyncio

from tests.benchmarks.peers.asgi_parts.refusals import Refused
from tests.benchmarks.peers.asgi_parts.settings import RATE_LIMITS, REDIS_URL

_COUNT = """
local now = tonumber(redis.call('TIME')[1])
local answer = {}
for i, key in ipairs(KEYS) do
  local window = tonumber(ARGV[i])
  local gone = now % window
  local slot = now - gone
  local count = redis.call('INCR', key .. slot)
  if count == 1 then redis.call('EXPIRE', key .. slot, 2 * window) end
  local before = tonumber(redis.call('GET', key .. (slot - window)) or '0')
  answer[2 * i - 1] = count + math.floor(before * (window - gone) / window)
  answer[2 * i] = window - gone
end
return answer
"""
_POLICIES = ", ".join(f'"{name}";q={quota};w={window}' for name, (quota, window) in RATE_LIMITS.items())
_WINDOWS = [window for _quota, window in RATE_LIMITS.values()]


class RateLimits:
    """Counts requests under keys that begin with `prefix`, and tells workers that there is something to deliver."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._client = redis.asyncio.Redis.from_url(REDIS_URL)
        self._count = self._client.register_script(_COUNT)

    async def charge(self, schema: str, user_id: int, state: dict[str, Any]) -> None:
        """Count one request of a user in a library, and leave the headers in the state. Raises Refused."""
        keys = [f"{self._prefix}:{schema}:burst:{user_id}:", f"{self._prefix}:{schema}:library:"]
        found = await self._count(keys=keys, args=_WINDOWS)
        left, rest = [], zip(RATE_LIMITS.items(), found[::2], found[1::2], strict=True)
        refused = False
        for (name, (quota, _window)), used, reset in rest:
            refused = refused or used > quota
            left.append(f'"{name}";r={max(0, quota - used)};t={reset}')
        state["rate_limit_headers"] = (
            (b"ratelimit-policy", _POLICIES.encode()),
            (b"ratelimit", ", ".join(left).encode()),
        )
        if refused:
            raise Refused("rate_limited", 429)

    async def wake(self, schema: str) -> None:
        """After the commit: the outbox of this library has a message."""
        await self._client.publish(f"{self._prefix}:outbox", schema)

    async def close(self) -> None:
        """Give back the connections."""
        await self._client.aclose()
