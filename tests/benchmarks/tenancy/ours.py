"""What the product does, timed in its own process."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from psycopg import sql

from saas.core.db.owner import SchemaTarget, owner_connection

PREFIX = "bench"


def release() -> dict[str, Any]:
    """The release of this code, made if it is not there: its key and its script."""
    from shared_apps.fleet.services import current_release

    found = current_release()
    return {"key": found.key, "script": found.script}


def grow(first: int, count: int) -> list[str]:
    """Make so many libraries, numbered from `first`; their schemas."""
    from shared_apps.fleet.services import make_schema
    from shared_apps.tenants.models import Library

    names = []
    for number in range(first, first + count):
        names.append(make_schema(state="taken", prepared=True))
        subdomain = f"{PREFIX}-{number}"
        Library.objects.create(
            id=uuid.uuid4(), schema_name=names[-1], subdomain=subdomain, name=f"Library {number}",
            status="active", created_at=timezone.now(),
        )  # fmt: skip
    return names


def replay(count: int) -> list[float]:
    """Seconds of each of `count` new schemas as the product makes them: role, rights, tables, rows, fleet's row."""
    from shared_apps.fleet.services import drop_schema, make_schema

    taken, names = [], []
    for _ in range(count):
        started = time.perf_counter()
        names.append(make_schema(state="spare", prepared=True))
        taken.append(time.perf_counter() - started)
    for name in names:
        drop_schema(name)
    return taken


def claim(count: int) -> list[float]:
    """Seconds of each of `count` verifications of a sign-up, from the mailed link to the commit; spares are there.

    What follows a commit (the word to a worker that there is something to send) is done and not counted. The libraries
    and schemas are taken away again.
    """
    from shared_apps.fleet.services import drop_schema, make_schema
    from shared_apps.signup import tokens
    from shared_apps.signup.services import verify
    from shared_apps.tenants.models import Library

    made = [_signed_up(f"claim-{uuid.uuid4().hex[:12]}") for _ in range(count)]
    for _ in made:
        make_schema(state="spare", prepared=True)
    taken, contexts = [], []
    for row in made:
        token = tokens.token_for(row.pk, row.token_nonce)
        with _commits() as committed:
            started = time.perf_counter()
            contexts.append(verify(token=token, now=timezone.now()))
        taken.append(committed[0] - started)
    for context in contexts:
        Library.objects.filter(pk=context.id).delete()
        drop_schema(context.schema_name)
    return taken


@contextmanager
def _commits() -> Iterator[list[float]]:
    """The moments (of `perf_counter`) at which transactions of this block were committed."""
    moments: list[float] = []
    follow_up = connection.run_and_clear_commit_hooks

    def committed() -> None:
        moments.append(time.perf_counter())
        follow_up()

    with mock.patch.object(connection, "run_and_clear_commit_hooks", committed):
        yield moments


def _signed_up(subdomain: str) -> Any:
    from shared_apps.signup import tokens
    from shared_apps.signup.models import SignUp

    identifier, nonce, now = uuid.uuid4(), tokens.new_nonce(), timezone.now()
    return SignUp.objects.create(
        id=identifier,
        library_name=subdomain,
        subdomain=subdomain,
        admin_name="Ada Admin",
        admin_email=f"ada@{subdomain}.example",
        password_hash=make_password("correct-horse-battery"),
        plan="free",
        country="IT",
        language="en",
        time_zone="Europe/Rome",
        token_nonce=nonce,
        token_digest=tokens.digest_of(tokens.token_for(identifier, nonce)),
        created_at=now,
        expires_at=now + timedelta(hours=24),
    )


def added_sql(schema: str, app: str, migration: str) -> list[str]:
    """The SQL of one migration as Django writes it in a library's schema, which the raw loop runs."""
    with owner_connection() as wrapper:
        wrapper.set_tenant(SchemaTarget(schema))
        loader = MigrationExecutor(wrapper).loader
        lines = list(loader.collect_sql([(loader.graph.nodes[app, migration], False)]))
    return [line for line in lines if not line.startswith("--")]


def fill(schemas: list[str], titles: int) -> None:
    """Give each of these libraries so many titles: made in the first, copied to the others."""
    from tenant_apps.catalog.models import Title

    columns = sql.SQL(", ").join(sql.Identifier(str(field.column)) for field in Title._meta.concrete_fields)
    table = Title._meta.db_table
    with owner_connection() as wrapper:
        wrapper.set_tenant(SchemaTarget(schemas[0]))
        with transaction.atomic(using=wrapper.alias):
            Title.objects.using(wrapper.alias).bulk_create(map(a_title, range(titles)), batch_size=2_000)
        with wrapper.cursor() as cursor:
            for schema in schemas[1:]:
                there, here = sql.Identifier(schema, table), sql.Identifier(schemas[0], table)
                copied = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
                    there, columns, columns, here
                )
                cursor.execute(copied)
                cursor.execute(
                    "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [f"{schema}.{table}", titles]
                )


def a_title(number: int) -> Any:
    """A title that is not saved yet, told apart by its number."""
    from tenant_apps.catalog.models import Title

    now = timezone.now()
    return Title(
        title=f"The measured life of libraries, part {number}", sort_title=f"measured life {number:06d}",
        publisher="Benchmark Press", language="eng", material_type="book", marc=b"", marc_hash=f"{number:064x}",
        isbns=[f"978{number:010d}"], search=f"'life':3 'part{number}':5", title_search=f"'life':3 'part{number}':5",
        created_at=now, updated_at=now,
    )  # fmt: skip


def empty(schemas: list[str]) -> None:
    """Take the titles away again."""
    from tenant_apps.catalog.models import Title

    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        for schema in schemas:
            table = sql.Identifier(schema, Title._meta.db_table)
            cursor.execute(sql.SQL("TRUNCATE {} CASCADE").format(table))
