"""What stock django-tenants does, timed in its own process."""

from __future__ import annotations

import time
import uuid
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

BASE_SCHEMA = "stock_base"


def prepare() -> None:
    """Make the tables of stock's tenants and domains, which no migration of the product brings."""
    from django.db import connection

    from tests.benchmarks.tenancy.stock_tenants.models import Client, Domain

    with connection.schema_editor() as editor:
        editor.create_model(Client)
        editor.create_model(Domain)


def make(count: int) -> list[float]:
    """Seconds for each of `count` new tenants with their domain: migrations, or a clone where the settings say so.

    The rows are taken away again, and the schemas stay: they belong to no fleet.
    """
    from tests.benchmarks.tenancy.stock_tenants.models import Client, Domain

    taken = []
    for _ in range(count):
        name = uuid.uuid4().hex[:20]
        tenant = Client(schema_name=f"stock_{name}")
        started = time.perf_counter()
        tenant.save(verbosity=0)
        Domain.objects.create(domain=f"{name}.localhost", tenant=tenant)
        taken.append(time.perf_counter() - started)
        tenant.delete()
    return taken


def migrate(schemas: list[str]) -> float:
    """Seconds that `migrate_schemas` spends on these schemas, with its standard executor."""
    from django.core.management import get_commands, load_command_class
    from django_tenants.migration_executors import get_executor

    app = get_commands()["migrate_schemas"]
    assert app == "django_tenants", f"migrate_schemas is that of {app}"
    options: dict[str, Any] = vars(
        load_command_class(app, "migrate_schemas")
        .create_parser("manage.py", "migrate_schemas")
        .parse_args([])
    )
    options["interactive"] = False
    executor = get_executor("standard")((), options)
    # Its lines cost it time on a terminal and are part of it, but nobody reads them here.
    with redirect_stdout(StringIO()):
        started = time.perf_counter()
        executor.run_migrations(tenants=list(schemas))
        return time.perf_counter() - started


def add_tenants(hosts: list[list[str]]) -> int:
    """Tell stock django-tenants of the libraries, given as pairs of host and schema; the number of new ones."""
    from tests.benchmarks.tenancy.stock_tenants.models import Client, Domain

    known = set(Client.objects.values_list("schema_name", flat=True))
    new = {schema: host for host, schema in hosts if schema not in known}
    # In bulk: saving one by one would make their schemas.
    tenants = Client.objects.bulk_create(Client(schema_name=schema) for schema in new)
    Domain.objects.bulk_create(
        Domain(domain=new[one.schema_name], tenant=one, is_primary=True) for one in tenants
    )
    return len(tenants)
