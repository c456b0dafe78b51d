"""Making, claiming, migrating and dropping library-shaped schemas."""

from shared_apps.fleet.services.ordinary import migrate_schema_ordinarily
from shared_apps.fleet.services.releases import current_key, current_release, key_of, library_migrations
from shared_apps.fleet.services.schemas import (
    claim_schema,
    drop_schema,
    make_schema,
    new_schema_name,
    note_release,
    take_schema,
)
from shared_apps.fleet.services.spares import refill_spares

__all__ = [
    "claim_schema",
    "current_key",
    "current_release",
    "drop_schema",
    "key_of",
    "library_migrations",
    "make_schema",
    "migrate_schema_ordinarily",
    "new_schema_name",
    "note_release",
    "refill_spares",
    "take_schema",
]
