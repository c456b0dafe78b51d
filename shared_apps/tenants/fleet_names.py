"""Libraries and their schemas: a library is called by its subdomain, a spare has its schema's name alone."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.management.base import CommandError

from saas.core.tenancy import LibraryContext, in_public
from shared_apps.fleet.selectors import all_schemas
from shared_apps.tenants.models import Library
from shared_apps.tenants.selectors import context_of
from shared_apps.tenants.subcommands import library_named

PUBLIC = "public"


def names_of(schemas: Iterable[str]) -> dict[str, str]:
    """The name of each of these schemas, by one query; the public schema, which may be empty still, asks for none."""
    wanted = list(schemas)
    found: dict[str, str] = {}
    if libraries := [schema for schema in wanted if schema != PUBLIC]:
        with in_public():
            rows = Library.objects.filter(schema_name__in=libraries)
            found = dict(rows.values_list("schema_name", "subdomain"))
    return {schema: found.get(schema, schema) for schema in wanted}


def libraries_with_a_schema() -> list[LibraryContext]:
    """Every library that has its tables, whatever its status, by subdomain."""
    with in_public():
        schemas = all_schemas().values("name")
        return [
            context_of(row) for row in Library.objects.filter(schema_name__in=schemas).order_by("subdomain")
        ]


def schema_named(*, schema: str | None, subdomain: str | None) -> str | None:
    """The schema that a command's options name, None where they name none. Raises CommandError."""
    if schema is not None and subdomain is not None:
        raise CommandError("Give either --schema or --subdomain, not both.")
    # An empty one is what a script's unset variable leaves: it names no library, and does not mean all of them.
    return schema if subdomain is None else library_named(subdomain).schema_name
