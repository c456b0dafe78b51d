"""Registers the app."""

from django.apps import AppConfig


class PreferencesConfig(AppConfig):
    """Label `preferences`."""

    name = "tenant_apps.preferences"
    label = "preferences"
