"""Registers the app."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Label `billing`."""

    name = "billing"
    label = "billing"
