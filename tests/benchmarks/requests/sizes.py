"""Who is compared, and how much is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.requests.servers import Variant

# As many threads as the image of the product has, and as many for the peers as the product lets work at a time.
OURS = Variant(
    "ours",
    "tests.benchmarks.requests.ours",
    serves="saas.wsgi:application",
    threads=256,
    arguments=("--http1-buffer-size", "65536"),
)
USUAL = Variant("usual DRF", "tests.benchmarks.peers.usual_drf.settings", threads=4)
PLAIN = Variant("plain Django, no tenancy", "tests.benchmarks.peers.plain_django.settings", threads=4)
FASTAPI = Variant(
    "FastAPI, SQLAlchemy",
    serves="tests.benchmarks.peers.fastapi_sqlalchemy.app:application",
    asynchronous=True,
    needs=("fastapi", "sqlalchemy", "asyncpg", "uvloop"),
)
LITESTAR = Variant(
    "Litestar, asyncpg",
    serves="tests.benchmarks.peers.litestar_asyncpg.app:application",
    asynchronous=True,
    needs=("litestar", "msgspec", "asyncpg", "uvloop"),
)
PEERS = {"usual": USUAL, "plain": PLAIN, "fastapi": FASTAPI, "litestar": LITESTAR}
VARIANTS = (OURS, *PEERS.values())


def variants(peers: Sequence[str] | None) -> tuple[Variant, ...]:
    """Ours and the peers of these names; all of them for None."""
    return (OURS, *(peer for name, peer in PEERS.items() if peers is None or name in peers))


@dataclass(frozen=True, slots=True)
class Size:
    """Titles in the library, rounds at most, the seconds of timing after which a slow machine gets fewer, and rounds
    of CLIENTS at once with the seconds of each.
    """

    titles: int
    rounds: int
    seconds: float
    load_rounds: int
    load_seconds: float


CLIENTS = 8
QUICK = Size(titles=2_000, rounds=20, seconds=30, load_rounds=3, load_seconds=0.8)
FULL = Size(titles=20_000, rounds=60, seconds=150, load_rounds=5, load_seconds=2.0)


def size_of(*, quick: bool) -> Size:
    """The size of a run."""
    return QUICK if quick else FULL
