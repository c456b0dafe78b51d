"""Addresses of the catalogue's pages on a library site."""

from django.urls import path

from tenant_apps.catalog import pages

urlpatterns = [
    path("", pages.catalogue, name="catalogue"),
    path("titles/<str:pk>/", pages.title_page, name="title-page"),
]
