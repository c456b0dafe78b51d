"""Registers the app."""

from django.apps import AppConfig


class SignupConfig(AppConfig):
    """Label `signup`."""

    name = "shared_apps.signup"
    label = "signup"
