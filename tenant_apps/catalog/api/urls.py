"""Addresses of the catalogue under /api/v1/."""

from django.urls import path

from tenant_apps.catalog.api.copies import CopyViewSet, ItemTypeViewSet
from tenant_apps.catalog.api.imports import ImportRecordViewSet, ImportViewSet
from tenant_apps.catalog.api.search import SearchView
from tenant_apps.catalog.api.shares import TitleShareViewSet
from tenant_apps.catalog.api.titles import TitleMarcView, TitleViewSet

urlpatterns = [
    path("search/", SearchView.as_view(), name="search"),
    path("titles/", TitleViewSet.as_view({"get": "list", "post": "create"}), name="titles"),
    path(
        "titles/<str:pk>/",
        TitleViewSet.as_view({"get": "retrieve", "patch": "partial_update"}, detail=True),
        name="title",
    ),
    path("titles/<str:pk>/marc/", TitleMarcView.as_view(), name="title-marc"),
    path(
        "titles/<str:pk>/availability/",
        TitleViewSet.as_view({"get": "availability"}, detail=True),
        name="title-availability",
    ),
    path(
        "titles/<str:pk>/shares/",
        TitleShareViewSet.as_view({"get": "list", "post": "create"}),
        name="title-shares",
    ),
    path(
        "title-shares/<str:pk>/",
        TitleShareViewSet.as_view({"delete": "destroy"}, detail=True),
        name="title-share",
    ),
    path("item-types/", ItemTypeViewSet.as_view({"get": "list", "post": "create"}), name="item-types"),
    path("copies/", CopyViewSet.as_view({"get": "list", "post": "create"}), name="copies"),
    path(
        "copies/by-barcode/<path:barcode>/",
        CopyViewSet.as_view({"get": "by_barcode"}, detail=True),
        name="copy-by-barcode",
    ),
    path(
        "copies/<str:pk>/",
        CopyViewSet.as_view({"get": "retrieve", "patch": "partial_update"}, detail=True),
        name="copy",
    ),
    path("imports/", ImportViewSet.as_view({"get": "list", "post": "create"}), name="imports"),
    path("imports/<str:pk>/", ImportViewSet.as_view({"get": "retrieve"}, detail=True), name="import"),
    path(
        "imports/<str:pk>/records/",
        ImportRecordViewSet.as_view({"get": "list"}),
        name="import-records",
    ),
    path(
        "imports/<str:pk>/cancel/",
        ImportViewSet.as_view({"post": "cancel"}, detail=True),
        name="import-cancel",
    ),
]
