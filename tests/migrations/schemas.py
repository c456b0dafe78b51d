"""A library context for a schema alone, where the public row plays no part."""

from __future__ import annotations

import uuid

from saas.core.tenancy import LibraryContext


def context_for(schema: str) -> LibraryContext:
    """An active library whose tables are in `schema`."""
    return LibraryContext(
        id=uuid.uuid5(uuid.NAMESPACE_DNS, schema),
        schema_name=schema,
        subdomain=schema.removeprefix("lib_"),
        name=schema,
        status="active",
        plan="free",
        primary_host=f"{schema}.localhost",
    )
