"""Registers the app and its setting."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class VisitsConfig(AppConfig):
    """Label `visits`."""

    name = "tenant_apps.visits"
    label = "visits"

    def ready(self) -> None:
        """Let each library say what visits of platform staff it admits."""
        from tenant_apps.preferences.services import Kind, Setting, define
        from tenant_apps.visits import rules

        define(
            Setting(
                rules.SETTING,
                Kind.CHOICE,
                rules.READ,
                _("Whether the platform's staff may visit this library: not at all, to look, or to change."),
                choices=rules.ADMITTED,
            )
        )
