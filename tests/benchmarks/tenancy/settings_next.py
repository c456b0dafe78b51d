"""The product one release on: the catalogue's migrations, and one more that adds a column and an index to titles."""

from tests.benchmarks.tenancy.settings_ours import *  # noqa: F403

MIGRATION_MODULES = {"catalog": "tests.benchmarks.tenancy.next_release"}
