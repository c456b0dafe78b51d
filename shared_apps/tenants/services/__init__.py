"""Making libraries and keeping their public rows."""

from shared_apps.tenants.services.profile import update_profile
from shared_apps.tenants.services.provisioning import create_schema, migrate_where_needed, provision_library

__all__ = ["create_schema", "migrate_where_needed", "provision_library", "update_profile"]
