"""django-tenants' backend, made to send the search path only when it is wrong, and never to include `public`.

The stock backend sends `SET search_path` before every query, or trusts its own memory of what it last sent. Memory is
wrong after a rollback, a rollback to a savepoint, a reconnect and a raw SET. PostgreSQL 18 tells the client its
`search_path` after each command, transactions and all, so this backend compares with what the server itself says and
sends nothing when it is right. Where the server does not tell (before 18), the path is sent with every cursor.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.utils import OperationalError
from django_tenants.postgresql_backend.base import (
    DatabaseWrapper as TenantDatabaseWrapper,
)
from psycopg.pq import TransactionStatus

from saas.core.db.introspection import SchemaIntrospection

PUBLIC = "public"
EXTENSIONS = "extensions"


class DatabaseWrapper(TenantDatabaseWrapper):
    """One connection; `set_tenant` chooses the schema, the next cursor makes it true."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.introspection: Any = SchemaIntrospection(self)

    def set_tenant(self, tenant: Any, include_public: bool = False) -> None:
        """Choose the schema for the following queries; sends nothing by itself.

        `include_public` is accepted because django-tenants passes it, and ignored: `public` on a library's path would
        turn a missing table into another row (tenancy.md, design 2). Content types are cached per schema
        (saas.core.tenancy.caches), so nothing has to be thrown away here.
        """
        if not tenant.schema_name:
            raise ImproperlyConfigured("a schema name is needed to choose a library")
        # Not in settings_dict, as django-tenants does: all threads share that dictionary.
        self.tenant = tenant
        self.schema_name = tenant.schema_name

    def _get_cursor_search_paths(self) -> list[str]:
        return [self.schema_name or PUBLIC, EXTENSIONS]

    def _handle_search_path(self, cursor: Any = None) -> None:
        if self._setting_search_path:
            return
        reported = self._server_path()
        if reported != ", ".join(self._get_cursor_search_paths()):
            # Forget django-tenants' memory: it would return early on it when TENANT_LIMIT_SET_CALLS is set.
            self.search_path_set_schemas = None
            # Where it is sent with every cursor it goes on one of its own, so that statement counts in tests and
            # logs stay those of the application and the same on every server.
            super()._handle_search_path(cursor if reported is not None else None)  # type: ignore[no-untyped-call]
            self._require_path_was_set()

    def _require_path_was_set(self) -> None:
        """Refuse to go on where the SET has failed: the query that follows would run in another library.

        django-tenants passes over the failure. Only in a transaction that has failed already is that right: whatever
        follows fails as well, but for the rollback. Raises OperationalError.
        """
        if self.search_path_set_schemas is None and not self._transaction_has_failed():
            self.errors_occurred = True  # so that the connection is looked at before it is used again
            raise OperationalError(f"the search path could not be set to {self.schema_name}")

    def _transaction_has_failed(self) -> bool:
        return bool(self.connection.info.transaction_status == TransactionStatus.INERROR)

    def _server_path(self) -> str | None:
        """The search path as the server last reported it, or None where it does not report it."""
        if self.connection is None:
            return None
        reported = self.connection.pgconn.parameter_status(b"search_path")
        return reported.decode() if reported is not None else None
