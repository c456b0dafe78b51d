"""What `manage.py check --deploy` says of the database's logins and roles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core import checks
from django.db import DatabaseError, connection

from saas.core.db.owner import OWNER
from saas.core.db.roles import login_inherits, login_of_requests, roles_are_on, select_can_switch


def check_logins(**_options: Any) -> list[checks.CheckMessage]:
    """Warnings W001 to W005; a database that cannot be reached is one of them, not an error."""
    try:
        return list(_warnings())
    except DatabaseError as error:
        return [
            _warning("W005", f"the database cannot be asked about its roles: {error}", "Check DATABASE_URL.")
        ]


def _warnings() -> Iterator[checks.CheckMessage]:
    if not roles_are_on():
        yield _warning(
            "W001",
            "libraries have no PostgreSQL roles: a fault of ours could read a neighbour's rows",
            "Set LIBRARY_ROLES=true, and let DATABASE_OWNER_URL's login make roles (CREATEROLE).",
        )
    from django.conf import settings

    if login_of_requests() == str(settings.DATABASES[OWNER]["USER"]):
        yield _warning(
            "W002",
            "requests log in as the owner of the schemas, who may change tables",
            "Give DATABASE_OWNER_URL a login of its own (docs/guides/database.md).",
        )
    with connection.cursor() as cursor:
        if roles_are_on() and login_inherits(cursor):
            yield _warning(
                "W003",
                "the login of requests inherits the rights of libraries",
                "ALTER ROLE ... NOSUPERUSER NOINHERIT; from PostgreSQL 16 on also, for each role that it has,"
                " GRANT ... TO ... WITH INHERIT FALSE.",
            )
        if select_can_switch(cursor):
            yield _warning(
                "W004",
                "every role may call set_config(), so an injected SELECT could switch the library",
                "As a superuser: REVOKE EXECUTE ON FUNCTION set_config(text, text, boolean) FROM PUBLIC.",
            )


def _warning(number: str, message: str, hint: str) -> checks.CheckMessage:
    return checks.Warning(message, hint=hint, id=f"libraryhub.{number}")
