"""Making and migrating library-shaped schemas."""

from shared_apps.fleet.services.ordinary import migrate_schema_ordinarily

__all__ = ["migrate_schema_ordinarily"]
