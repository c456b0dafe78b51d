"""Registers the app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Label `accounts`."""

    name = "shared_apps.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Sign every JWT with the current library's key, before the first request."""
        from saas.core.jwt import install

        install()
