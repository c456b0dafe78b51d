"""Registers the app."""

from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    """Label `delivery`."""

    name = "shared_apps.delivery"
    label = "delivery"
