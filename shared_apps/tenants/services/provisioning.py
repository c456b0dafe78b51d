"""Making libraries."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql

from saas.core.db.integrity import refused_if_taken
from saas.core.principals import SYSTEM
from saas.core.seeding import LibrarySeed, seed_library
from saas.core.tenancy import PUBLIC, LibraryContext, current_schema, in_library, in_public
from saas.core.tenancy.hosts import forget_hosts
from shared_apps.audit.services import record
from shared_apps.delivery.services import publish
from shared_apps.tenants.errors import SubdomainTaken
from shared_apps.tenants.models import Library, LibraryStatus
from shared_apps.tenants.selectors import context_of


def provision_library(
    *,
    name: str,
    subdomain: str,
    plan: str,
    country: str,
    language: str,
    time_zone: str,
    admin_email: str,
    admin_name: str,
    admin_password_hash: str,
    now: datetime,
    status: str = LibraryStatus.ACTIVE,
) -> LibraryContext:
    """Make a library with its schema, its starting rows and its first user, who is its admin.

    Rows and schema belong to one transaction: killed anywhere, nothing is left. `subdomain` has passed the rules of
    `subdomains` already. Raises SubdomainTaken where another library has it.
    """
    with in_public(), transaction.atomic():
        library = _insert_library(
            name=name,
            subdomain=subdomain,
            plan=plan,
            country=country,
            language=language,
            time_zone=time_zone,
            status=status,
            created_at=now,
        )
        context = context_of(library)
        create_schema(context.schema_name)
        with in_library(context):
            seed_library(
                LibrarySeed(
                    context,
                    admin_email,
                    admin_name,
                    admin_password_hash,
                    language,
                    country,
                    time_zone,
                    now,
                )
            )
        record(
            action="library.created",
            by=SYSTEM,
            target=library,
            changes={"subdomain": subdomain, "plan": plan},
            now=now,
        )
        publish(kind="library.created", payload={"library_id": str(library.id)}, now=now)
        transaction.on_commit(forget_hosts)
    return context


def _insert_library(*, subdomain: str, **fields: object) -> Library:
    identifier = uuid.uuid4()
    # Opaque and fixed for life: a renamed library keeps its schema, and the name needs no quoting anywhere.
    library = Library(
        id=identifier,
        schema_name=f"lib_{identifier.hex[:20]}",
        subdomain=subdomain,
        **fields,
    )
    with refused_if_taken(SubdomainTaken):
        library.save()  # type: ignore[no-untyped-call]
    return library


def create_schema(schema_name: str) -> None:
    """Create a schema and build its tables by the ordinary migrations, in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema_name)))
    before = connection.tenant  # type: ignore[attr-defined]
    try:
        call_command(
            "migrate_schemas",
            schema_name=schema_name,
            tenant=True,
            interactive=False,
            verbosity=0,
        )
    finally:
        connection.set_tenant(before)  # type: ignore[attr-defined]


def migrate_where_needed() -> bool:
    """Apply what the current schema lacks, the public one's or a library's; whether there was anything to do."""
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    before = connection.tenant  # type: ignore[attr-defined]
    try:
        if current_schema() == PUBLIC:
            call_command("migrate_schemas", shared=True, interactive=False, verbosity=0)
        else:
            call_command(
                "migrate_schemas", schema_name=current_schema(), tenant=True, interactive=False, verbosity=0
            )
    finally:
        connection.set_tenant(before)  # type: ignore[attr-defined]
    return True
