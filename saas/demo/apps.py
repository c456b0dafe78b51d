"""Registers the app."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Label `demo`."""

    name = "saas.demo"
    label = "demo"
