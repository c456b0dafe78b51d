"""Registers the app."""

from django.apps import AppConfig


class BranchesConfig(AppConfig):
    """Label `branches`."""

    name = "tenant_apps.branches"
    label = "branches"
