"""Stock django-tenants that clones a base schema for each new tenant, which its documentation calls fast."""

from tests.benchmarks.tenancy.settings_stock import *  # noqa: F403
from tests.benchmarks.tenancy.stock import BASE_SCHEMA

TENANT_CREATION_FAKES_MIGRATIONS = True
TENANT_BASE_SCHEMA = BASE_SCHEMA
