"""The fleet of tests/shared_apps/fleet/services, for the commands over it."""

from tests.shared_apps.fleet.services.conftest import fleet, fleet_schemas

__all__ = ["fleet", "fleet_schemas"]
