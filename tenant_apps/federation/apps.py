"""Registers the app."""

from django.apps import AppConfig


class FederationConfig(AppConfig):
    """Label `federation`."""

    name = "tenant_apps.federation"
    label = "federation"
