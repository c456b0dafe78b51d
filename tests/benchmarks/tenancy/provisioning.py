"""Phase: making a library while so many are there."""

from __future__ import annotations

from dataclasses import dataclass, field

from psycopg import sql

from tests.benchmarks.tenancy import raw, scratch
from tests.benchmarks.tenancy.field import Field
from tests.benchmarks.tenancy.stock import BASE_SCHEMA

ROUNDS = 3


@dataclass
class Provisioning:
    """Seconds for one library, sample by sample."""

    stock: list[float] = field(default_factory=list)
    clone: list[float] = field(default_factory=list)
    replay: list[float] = field(default_factory=list)
    claim: list[float] = field(default_factory=list)
    psql: list[float] = field(default_factory=list)
    libpq: list[float] = field(default_factory=list)


def measure(field: Field, script: str) -> tuple[Provisioning, list[str]]:
    """Everybody in turn; also the schemas that were replayed without us, which belong to no fleet."""
    field.stock.ask("stock.prepare")
    cloner = field.process("settings_stock_clone")
    names = raw.replay_by_libpq(script, 1)[1]
    rename(names.pop(), BASE_SCHEMA)
    # Once each for nothing: the first call of a process pays for its imports.
    _one_round(field, cloner, script, 1, Provisioning())
    found = Provisioning()
    for _ in range(ROUNDS):
        names += _one_round(field, cloner, script, -(-field.size.provisioned // ROUNDS), found)
    return found, names


def _one_round(field: Field, cloner: object, script: str, count: int, found: Provisioning) -> list[str]:
    found.stock += field.stock.ask("stock.make", count=1)
    found.clone += cloner.ask("stock.make", count=1)  # type: ignore[attr-defined]
    found.replay += field.ours.ask("ours.replay", count=count)
    by_psql, names = raw.replay_by_psql(script, count, field.folder)
    by_libpq, more = raw.replay_by_libpq(script, count)
    found.psql += by_psql
    found.libpq += by_libpq
    found.claim += field.ours.ask("ours.claim", count=count)
    return [*names, *more]


def rename(schema: str, name: str) -> None:
    """Give a schema another name."""
    with scratch.connect() as connection:
        connection.execute(
            sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(schema), sql.Identifier(name))
        )
