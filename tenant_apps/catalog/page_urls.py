"""Addresses of the catalogue's pages on a library site."""

from django.urls import path

from tenant_apps.catalog import pages
from tenant_apps.catalog.staff_pages import CancelImport, ImportPage, ImportsPage, NewCopyPage

urlpatterns = [
    path("", pages.catalogue, name="catalogue"),
    path("titles/<str:pk>/", pages.title_page, name="title-page"),
    path("titles/<str:pk>/copies/new/", NewCopyPage.as_view(), name="copy-new"),
    path("imports/", ImportsPage.as_view(), name="imports"),
    path("imports/<str:pk>/", ImportPage.as_view(), name="import"),
    path("imports/<str:pk>/cancel/", CancelImport.as_view(), name="import-cancel"),
]
