"""`manage.py migrate`: the same as `migrate_schemas`, so that no habit leaves the libraries behind."""

from shared_apps.tenants.management.commands.migrate_schemas import Command

__all__ = ["Command"]
