"""A moving window in little memory: the units of a key, counted in at most PARTS groups instead of one by one.

A unit joins the newest group while that one is younger than a PARTS-th of the window, and a group leaves as a whole,
when its last unit's window has passed. So never more than the quota fits into any window, and a unit may come back
late, by a PARTS-th of the window at most. Units further apart than that, and all of a quota of PARTS or fewer, are
exact. (Counters for two fixed windows, weighted, would let nearly twice the quota through around the border; one number
for the next free moment would let through a full burst and another quota while it drains.)

The groups of a key are `[start of the newest, last of the oldest, units of the oldest, ..., last, units]`, moments in
microseconds. The same steps stand here twice: for Redis, in Lua, and for one process, in Python.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

PARTS = 30
MICROSECONDS = 1_000_000
# (allowed, moment, (used, microseconds until units come back) for each key)
Counted = tuple[bool, int, list[tuple[int, int]]]
Limit = tuple[str, int, int]
"""Key, quota, window in seconds."""

# Redis' own clock. All keys are looked at before any is charged: a refused request costs nothing anywhere.
CONSUME = f"""
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local allowed, groups, used = 1, {{}}, {{}}
for i, key in ipairs(KEYS) do
  local quota, window = tonumber(ARGV[2 * i - 1]), ARGV[2 * i] * 1000000
  local raw = redis.call('GET', key)
  local stored, kept, total = raw and cmsgpack.unpack(raw) or {{0}}, {{}}, 0
  kept[1] = stored[1]
  for at = 2, #stored, 2 do
    if stored[at] + window > now then
      kept[#kept + 1] = stored[at]
      kept[#kept + 1] = stored[at + 1]
      total = total + stored[at + 1]
    end
  end
  if total >= quota then allowed = 0 end
  groups[i], used[i] = kept, total
end
local answer = {{allowed, string.format('%.0f', now)}}
for i, key in ipairs(KEYS) do
  local quota, window, kept = tonumber(ARGV[2 * i - 1]), ARGV[2 * i] * 1000000, groups[i]
  if allowed == 1 then
    local last = #kept
    if last > 1 and quota > {PARTS} and now - kept[1] < math.floor(window / {PARTS}) then
      kept[last - 1] = now
      kept[last] = kept[last] + 1
    else
      kept[1] = now
      kept[last + 1] = now
      kept[last + 2] = 1
    end
    used[i] = used[i] + 1
    redis.call('SET', key, cmsgpack.pack(kept), 'PX', window / 1000)
  end
  answer[#answer + 1] = used[i]
  answer[#answer + 1] = kept[2] and string.format('%.0f', kept[2] + window - now) or 0
end
return table.concat(answer, ' ')
"""

# Takes back the units that were counted at a moment.
GIVE_BACK = """
local moment = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  local raw = redis.call('GET', key)
  local kept = raw and cmsgpack.unpack(raw) or {0}
  for at = 2, #kept, 2 do
    if kept[at] >= moment then
      kept[at + 1] = kept[at + 1] - 1
      if kept[at + 1] == 0 then
        if at + 1 == #kept then kept[1] = 0 end
        table.remove(kept, at)
        table.remove(kept, at)
      end
      redis.call('SET', key, cmsgpack.pack(kept), 'KEEPTTL')
      break
    end
  end
end
return 'OK'
"""


class LocalWindows:
    """The same counting in the memory of one process, for at most `size` keys: the longest unused go first."""

    def __init__(self, size: int = 20_000) -> None:
        self._size = size
        self._groups: OrderedDict[str, list[int]] = OrderedDict()
        self._lock = threading.Lock()

    def consume(self, limits: Sequence[Limit], now: int) -> Counted:
        """Take one unit of each key, or none where any is used up."""
        with self._lock:
            found = [
                _kept(self._groups.get(key, [0]), now - window * MICROSECONDS) for key, _, window in limits
            ]
            used = [sum(kept[2::2]) for kept in found]
            allowed = all(count < quota for count, (_key, quota, _window) in zip(used, limits, strict=True))
            if allowed:
                used = [count + 1 for count in used]
                for kept, (key, quota, window) in zip(found, limits, strict=True):
                    _add(kept, now, window * MICROSECONDS // PARTS if quota > PARTS else 0)
                    self._keep(key, kept)
        resets = [
            kept[1] + window * MICROSECONDS - now if len(kept) > 1 else 0
            for kept, (_key, _quota, window) in zip(found, limits, strict=True)
        ]
        return allowed, now, list(zip(used, resets, strict=True))

    def give_back(self, keys: Sequence[str], moment: int) -> None:
        """Take back the units that were counted at a moment."""
        with self._lock:
            for key in keys:
                _remove(self._groups.get(key, [0]), moment)

    def forget(self, key: str) -> None:
        """Drop everything counted under this key."""
        with self._lock:
            self._groups.pop(key, None)

    def __len__(self) -> int:
        return len(self._groups)

    def _keep(self, key: str, kept: list[int]) -> None:
        self._groups[key] = kept
        self._groups.move_to_end(key)
        if len(self._groups) > self._size:
            self._groups.popitem(last=False)


def _kept(stored: list[int], after: int) -> list[int]:
    kept = stored[:1]
    for at in range(1, len(stored), 2):
        if stored[at] > after:
            kept += stored[at : at + 2]
    return kept


def _add(kept: list[int], now: int, span: int) -> None:
    if len(kept) > 1 and now - kept[0] < span:
        kept[-2] = now
        kept[-1] += 1
    else:
        kept[0] = now
        kept += [now, 1]


def _remove(kept: list[int], moment: int) -> None:
    for at in range(1, len(kept), 2):
        if kept[at] >= moment:
            kept[at + 1] -= 1
            if kept[at + 1] == 0:
                if at + 2 == len(kept):
                    kept[0] = 0
                del kept[at : at + 2]
            return
