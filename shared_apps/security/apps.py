"""Registers the app."""

from django.apps import AppConfig


class SecurityConfig(AppConfig):
    """Label `security`."""

    name = "shared_apps.security"
    label = "security"
