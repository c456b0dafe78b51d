"""Addresses of the pages about patrons."""

from django.urls import path

from tenant_apps.patrons.pages import NewPatronPage, PatronList

urlpatterns = [
    path("patrons/", PatronList.as_view(), name="patrons"),
    path("patrons/new/", NewPatronPage.as_view(), name="patron-new"),
]
