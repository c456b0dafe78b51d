"""What keeps a copy of a library from doing the original's work a second time."""

from __future__ import annotations

from typing import Any

from psycopg import sql

NOTE = "the library was cloned: this is for the original to deliver"


def silence(cursor: Any, schema: str) -> None:
    """Set aside the messages that the original had still to deliver: mails, webhooks, whatever leaves the library.

    They stay in the outbox, parked, for whoever wants to look. Sessions are not in an archive, domains are not taken
    along, and billing knows a library by its id: a clone's is new.
    """
    cursor.execute(
        sql.SQL(
            "UPDATE {} SET parked_at = statement_timestamp(), leased_until = NULL, last_error = %s"
            " WHERE delivered_at IS NULL AND parked_at IS NULL"
        ).format(sql.Identifier(schema, "delivery_outboxmessage")),
        [NOTE],
    )
