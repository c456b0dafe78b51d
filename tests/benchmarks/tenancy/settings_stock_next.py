"""Stock django-tenants, one release on: the same added migration as ours."""

from tests.benchmarks.tenancy.settings_stock import *  # noqa: F403

MIGRATION_MODULES = {"catalog": "tests.benchmarks.tenancy.next_release"}
