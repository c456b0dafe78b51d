"""Registers the app."""

from django.apps import AppConfig


class EntitlementsConfig(AppConfig):
    """Label `entitlements`."""

    name = "shared_apps.entitlements"
    label = "entitlements"
