"""Registers the app."""

from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """Label `platform`."""

    name = "shared_apps.platform"
    label = "platform"
