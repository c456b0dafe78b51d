"""The condition of every comparison: all variants answer the same.

What differs between two true answers is replaced by what it is: the id of the loan that a checkout has just made, the
moments at which that happened, and the addresses of a page's neighbours, whose cursors each library writes in its own
way. Everything else has to be equal, types and order of lists included.
"""

from __future__ import annotations

import re
from typing import Any

from tests.benchmarks.registry import BenchmarkRefused
from tests.benchmarks.requests.servers import Answer

_ID = re.compile(r"[1-9][0-9]*")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_ADDRESS = re.compile(r"https?://[^/]+(/[^?]*)\?.*cursor=.+")
_KINDS = {
    "id": (_ID, "<an id>"),
    "moment": (_MOMENT, "<a moment>"),
    "address": (_ADDRESS, "<an address of this list>"),
}


def without_chance(value: Any, varying: dict[str, str], path: str = "") -> Any:
    """The value with what may vary replaced by its kind; `varying` is path (`loan.id`) to kind.

    A value that is not of its kind stays as it is, and so will differ.
    """
    if path in varying and isinstance(value, str):
        pattern, name = _KINDS[varying[path]]
        return name if pattern.fullmatch(value) else value
    if isinstance(value, dict):
        return {
            key: without_chance(one, varying, f"{path}.{key}" if path else key) for key, one in value.items()
        }
    if isinstance(value, list):
        return [without_chance(one, varying, f"{path}[]") for one in value]
    return value


def difference(ours: Any, theirs: Any, path: str = "") -> str | None:
    """Where two JSON values first differ, and how; None where they are equal. 1, 1.0 and true are three things."""
    if type(ours) is not type(theirs):
        return _differs(path, ours, theirs)
    if isinstance(ours, dict):
        if ours.keys() != theirs.keys():
            return f"{path or 'the body'} has other members: {sorted(ours.keys() ^ theirs.keys())}"
        pairs = [(f"{path}.{key}" if path else key, ours[key], theirs[key]) for key in ours]
    elif isinstance(ours, list):
        if len(ours) != len(theirs):
            return f"{path or 'the body'} has {len(ours)} members here and {len(theirs)} there"
        pairs = [(f"{path}[{at}]", *both) for at, both in enumerate(zip(ours, theirs, strict=True))]
    else:
        return None if ours == theirs else _differs(path, ours, theirs)
    return next((found for one in pairs if (found := difference(one[1], one[2], one[0]))), None)


def require_equal(what: str, peer_name: str, ours: Answer, peer: Answer, varying: dict[str, str]) -> None:
    """Raise BenchmarkRefused unless both answers say the same."""
    if ours.status != peer.status:
        raise BenchmarkRefused(
            f"{what}: ours answers {ours.status}, {peer_name} {peer.status}: {peer.body[:300]!r}"
        )
    found = difference(without_chance(ours.json(), varying), without_chance(peer.json(), varying))
    if found:
        raise BenchmarkRefused(f"{what}: the answers of ours and {peer_name} differ: {found}")


def _differs(path: str, ours: Any, theirs: Any) -> str:
    return f"{path or 'the body'} is {ours!r} here and {theirs!r} there"
