"""Registers the app."""

from django.apps import AppConfig


class CirculationConfig(AppConfig):
    """Label `circulation`."""

    name = "tenant_apps.circulation"
    label = "circulation"
