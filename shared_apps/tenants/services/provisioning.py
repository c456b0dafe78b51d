"""Making libraries."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.migrations.executor import MigrationExecutor

from saas.core.db.inserts import insert
from saas.core.db.integrity import refused_if_taken
from saas.core.db.owner import SchemaTarget, owner_connection
from saas.core.db.roles import prepare_database
from saas.core.principals import SYSTEM
from saas.core.seeding import LibrarySeed, seed_library
from saas.core.tenancy import PUBLIC, LibraryContext, current_schema, in_library, in_public
from saas.core.tenancy.hosts import forget_hosts
from shared_apps.audit.services import record, recorded_together
from shared_apps.delivery.services import publish
from shared_apps.fleet.services import migrate_schema_ordinarily, note_release, take_schema
from shared_apps.tenants.errors import SubdomainTaken
from shared_apps.tenants.models import Library, LibraryStatus
from shared_apps.tenants.selectors import context_of
from shared_apps.tenants.services.renaming import require_not_held


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

    The schema is a spare, made now where none is ready. Its claim and all rows are one transaction: killed anywhere,
    the library is there whole or not at all, and the spare is taken or not. `subdomain` has passed the rules of
    `subdomains` already. Raises SubdomainTaken where another library has it.
    """
    with in_public(), transaction.atomic():
        library = _insert_library(
            schema_name=take_schema(),
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
        with in_library(context, same_transaction=True), recorded_together():
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
    library = Library(subdomain=subdomain, **fields)
    with refused_if_taken(SubdomainTaken, savepoint=False):
        # Not `save`, in which django-tenants first asks every library for its schema's name.
        insert(library)
    # The index knows nothing of names that a library gave up and still has.
    require_not_held(subdomain, library_id=library.id)
    return library


def migrate_where_needed() -> bool:
    """Apply what the current schema lacks, the public one's or a library's; whether there was anything to do."""
    schema = current_schema()
    with owner_connection() as wrapper:
        if schema == PUBLIC:
            with wrapper.cursor() as cursor:
                prepare_database(cursor)
        wrapper.set_tenant(SchemaTarget(schema))
        executor = MigrationExecutor(wrapper)
        is_behind = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        if is_behind:
            migrate_schema_ordinarily(wrapper, schema)
    if schema != PUBLIC:
        note_release(schema)
    return is_behind
