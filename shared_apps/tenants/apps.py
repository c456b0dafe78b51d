"""Registers the app."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Label `tenants`."""

    name = "shared_apps.tenants"
    label = "tenants"
