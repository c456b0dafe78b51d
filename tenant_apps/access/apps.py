"""Registers the app."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Label `access`."""

    name = "tenant_apps.access"
    label = "access"
