"""Addresses under /api/v1/me/ of a library site that concern the account itself."""

from django.urls import path

from shared_apps.accounts.api import account_views as views

urlpatterns = [
    path("export/", views.ExportView.as_view(), name="me-export"),
    path("erase/", views.EraseView.as_view(), name="me-erase"),
]
