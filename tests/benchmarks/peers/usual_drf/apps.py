"""The accounts tables without what the product adds to them: here simplejwt signs its tokens as it comes."""

from django.apps import AppConfig


class StockAccounts(AppConfig):
    """Label `accounts`, the models alone."""

    name = "shared_apps.accounts"
    label = "accounts"
