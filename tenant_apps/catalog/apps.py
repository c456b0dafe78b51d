"""Registers the app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Label `catalog`."""

    name = "tenant_apps.catalog"
    label = "catalog"
