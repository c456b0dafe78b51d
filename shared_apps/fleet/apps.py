"""Registers the app."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """Label `fleet`."""

    name = "shared_apps.fleet"
    label = "fleet"
