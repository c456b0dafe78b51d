"""Making libraries and keeping their public rows."""

from shared_apps.tenants.services.profile import update_profile
from shared_apps.tenants.services.provisioning import migrate_where_needed, provision_library

__all__ = ["migrate_where_needed", "provision_library", "update_profile"]
