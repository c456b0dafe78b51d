"""Addresses of the pages of this app that both kinds of site have."""

from django.urls import path

from shared_apps.accounts.password_pages import new_password

urlpatterns = [path("password/reset/confirm/", new_password, name="accounts-new-password")]
