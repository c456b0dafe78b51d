"""Registers the app."""

from django.apps import AppConfig


class KeysConfig(AppConfig):
    """Label `keys`."""

    name = "tenant_apps.keys"
    label = "keys"
