"""Addresses of this app's pages, the same on both kinds of site."""

from django.urls import path

from shared_apps.accounts import pages

urlpatterns = [path("password/reset/confirm/", pages.new_password, name="accounts-new-password")]
