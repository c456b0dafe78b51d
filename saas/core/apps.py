"""The kernel as a Django app: no tables; commands, templates and the patches of saas.core.tenancy.caches."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Tags, register


class CoreConfig(AppConfig):
    """Label `core`."""

    name = "saas.core"
    label = "core"

    def ready(self) -> None:
        """Make caches and query sets tell schemas apart, and load the Celery application that sends tasks."""
        from saas.core.cors import ask_libraries
        from saas.core.db.checks import check_logins
        from saas.core.db.guards import remember_schema_in_query_sets
        from saas.core.reads.checks import check_reads
        from saas.core.tenancy.caches import key_content_types_by_schema

        ask_libraries()
        key_content_types_by_schema()
        remember_schema_in_query_sets()
        register(check_logins, Tags.security, deploy=True)
        register(check_reads)
        # By name: the application is an entry point above the kernel.
        import_module(settings.CELERY_APPLICATION)
