"""The kernel as a Django app: no tables; commands, templates and the patches of saas.core.tenancy.caches."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Label `core`."""

    name = "saas.core"
    label = "core"

    def ready(self) -> None:
        """Make process-wide caches tell schemas apart before the first request."""
        from saas.core.tenancy.caches import key_content_types_by_schema

        key_content_types_by_schema()
