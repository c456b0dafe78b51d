"""django-tenants' backend, made to switch schema and role only when they are wrong, and never to include `public`.

The stock backend sends `SET search_path` before every query, or trusts its own memory of what it last sent. Memory is
wrong after a rollback, a rollback to a savepoint, a reconnect, a raw SET and behind a pooler. So this one has none:

* PostgreSQL 18 tells the client its `search_path` after each command, transactions and all. Each statement compares
  with what the server says; role and path are sent, in one message, only when it says something else.
* Where the server does not tell (before 18), or a pooler hands each transaction to another server connection
  (`DATABASE_POOLER=transaction`), each statement carries the switch in its own message, in one implicit transaction.
"""

from __future__ import annotations

import threading
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql.base import DatabaseWrapper as PostgresWrapper
from django_tenants.postgresql_backend.base import (
    DatabaseWrapper as TenantDatabaseWrapper,
)
from psycopg import OperationalError, sql

from saas.core.db.cursors import LibraryCursor, LibraryServerSideCursor, PreparedCursor
from saas.core.db.errors import NoLibraryChosen
from saas.core.db.introspection import SchemaIntrospection
from saas.core.db.kept import KeptConnection
from saas.core.db.owner import OWNER
from saas.core.db.plans import KeptPlans
from saas.core.db.roles import roles_are_on
from saas.core.db.switching import PUBLIC, Switch, answers, switch_to

MOST_PREPARED = 100
"""Prepared statements that a connection keeps, the least lately used are dropped: each holds memory in the server."""
_WHERE_ASKED = 2**31
UNKNOWN_POOLER = (
    "a connection pooler stands between LibraryHub and PostgreSQL: set DATABASE_POOLER=transaction"
)


class DatabaseWrapper(KeptConnection, TenantDatabaseWrapper):
    """One connection; `set_tenant` chooses the schema, the next statement makes it true."""

    carries_switch = False
    """Whether statements carry their switch; decided anew with each connection to the server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._switch: Switch | None = None
        super().__init__(*args, **kwargs)
        self.introspection: Any = SchemaIntrospection(self)
        if self.alias != OWNER and threading.current_thread() is not threading.main_thread():
            self.set_tenant(None)  # a thread inherits nothing: it is told its library, or its queries fail

    # -- choosing ---------------------------------------------------------------------------------------------------

    def set_tenant(self, tenant: Any, include_public: bool = False) -> None:
        """Choose the schema for the following queries, or none with None; sends nothing by itself.

        `include_public` is accepted because django-tenants passes it, and ignored: `public` on a library's path would
        turn a missing table into another row (tenancy.md, design 2). Content types are cached per schema
        (saas.core.tenancy.caches), so nothing has to be thrown away here.
        """
        if tenant is not None and not tenant.schema_name:
            raise ImproperlyConfigured("a schema name is needed to choose a library")
        # Not in settings_dict, as django-tenants does: all threads share that dictionary.
        self.tenant = tenant
        self.schema_name = None if tenant is None else tenant.schema_name
        self._switch = None

    def current_switch(self) -> Switch:
        """How to get into the chosen schema. Raises NoLibraryChosen."""
        if self._switch is None:
            if self.schema_name is None:
                raise NoLibraryChosen(
                    "this thread has chosen no library: pass it saas.core.tenancy.carried(function)"
                )
            self._switch = switch_to(self.schema_name, self._role())
            self.entered(self.schema_name)
        return self._switch

    def _role(self) -> str | None:
        if self.alias == OWNER or not roles_are_on():
            return None
        return "NONE" if self.schema_name == PUBLIC else self.schema_name

    @property
    def takes_single_statements(self) -> bool:
        """Whether the server is made to refuse a second statement in one message: not where a switch rides along."""
        return self.alias != OWNER and not self.carries_switch

    # -- the connection ---------------------------------------------------------------------------------------------

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        params["cursor_factory"] = LibraryCursor
        return params

    def get_new_connection(self, conn_params: Any) -> Any:
        try:
            connection = super().get_new_connection(conn_params)
        except OperationalError as error:
            if "unsupported startup parameter" in str(error):
                raise ImproperlyConfigured(UNKNOWN_POOLER) from error  # PgBouncer, of our limits
            raise
        pooled = settings.DATABASE_POOLER == "transaction" and self.alias != OWNER
        reports = connection.pgconn.parameter_status(b"search_path") is not None
        self.carries_switch = pooled or (not reports and self.alias != OWNER)
        if not pooled and not getattr(connection, "reaches_its_server", False):
            try:
                _refuse_a_pooler(connection)
            except ImproperlyConfigured:
                self.pool.putconn(connection) if self.pool else connection.close()
                raise
            connection.reaches_its_server = True  # Django's own pool hands it out again and again
        if not self.carries_switch:
            if not isinstance(connection._prepared, KeptPlans):  # one of Django's pool may come again
                connection._prepared = KeptPlans()
            # psycopg prepares nothing where this is None, not even what asks for it.
            connection.prepare_threshold = _WHERE_ASKED
            connection.prepared_max = MOST_PREPARED
        return connection

    def init_connection_state(self) -> None:
        super().init_connection_state()
        self.connection.library_wrapper = self

    def _close(self) -> Any:
        if self.connection is not None:
            self.connection.library_wrapper = (
                None  # it may go back to Django's pool, and on to another thread
            )
        return super()._close()

    def is_usable(self) -> bool:
        """Whether the server answers. Asked between requests too, when this thread has no library: no switch."""
        return self.connection is not None and answers(self.connection.pgconn)

    def _configure_timezone(self, connection: Any) -> bool:
        """As Django does, but by SET: EXECUTE on set_config() is revoked, because it would switch in a SELECT."""
        if connection.info.parameter_status("TimeZone") == self.timezone_name:
            return False
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET TIME ZONE {}").format(sql.Literal(self.timezone_name)))
        return True

    # -- cursors ----------------------------------------------------------------------------------------------------

    def _cursor(self, name: str | None = None) -> Any:
        # (django-tenants sends the path here: see saas.core.db.cursors)
        return cast(Any, PostgresWrapper)._cursor(self, name)

    def create_cursor(self, name: str | None = None) -> Any:
        if name is None or (self.carries_switch and not self.in_atomic_block):
            # (a cursor on the server would outlive its transaction, and so the server connection behind a pooler)
            return super().create_cursor()
        return self._with_time_zone(
            LibraryServerSideCursor(
                self.connection, name=name, scrollable=False, withhold=self.connection.autocommit
            )
        )

    def prepared_cursor(self) -> Any:
        """A cursor for the few statements that are sent again and again with the same text: the server keeps the plan.

        Text and parameters go separately, so each parameter needs a type that the server can tell
        (`%s::bigint`). Where statements carry their switch it is the ordinary cursor: a pooler may give the next
        transaction another connection, which knows no statement of ours.
        """
        self.close_if_health_check_failed()
        self.ensure_connection()
        if self.carries_switch:
            return self.cursor()
        with self.wrap_database_errors:
            return self._prepare_cursor(self._with_time_zone(PreparedCursor(self.connection)))

    def _with_time_zone(self, cursor: Any) -> Any:
        from django.db.backends.postgresql.psycopg_any import register_tzloader
        from psycopg.postgres import types

        loader = self.connection.adapters.get_loader(types["timestamptz"].oid, 0)
        if getattr(loader, "timezone", None) != self.timezone:
            register_tzloader(self.timezone, cursor)
        return cursor


def _refuse_a_pooler(connection: Any) -> None:
    """Refuse a connection through a pooler that the settings do not know of: it would serve one library as another.

    A pooler answers the start of the session itself, with a process id of its own making.
    """
    result = connection.pgconn.exec_(b"SELECT pg_catalog.pg_backend_pid()")
    if int(result.get_value(0, 0)) != connection.pgconn.backend_pid:
        raise ImproperlyConfigured(UNKNOWN_POOLER)
