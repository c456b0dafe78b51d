"""Registers the app."""

from django.apps import AppConfig


class MembersConfig(AppConfig):
    """Label `members`."""

    name = "tenant_apps.members"
    label = "members"
