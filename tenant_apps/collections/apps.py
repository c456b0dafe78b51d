"""Registers the app."""

from django.apps import AppConfig


class CollectionsConfig(AppConfig):
    """Label `collections`."""

    name = "tenant_apps.collections"
    label = "collections"
