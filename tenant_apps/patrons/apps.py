"""Registers the app."""

from django.apps import AppConfig


class PatronsConfig(AppConfig):
    """Label `patrons`."""

    name = "tenant_apps.patrons"
    label = "patrons"
