"""Registers the app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Label `audit`."""

    name = "shared_apps.audit"
    label = "audit"
