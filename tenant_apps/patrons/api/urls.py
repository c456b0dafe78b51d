"""Addresses of patrons under /api/v1/. Their loans are addressed by circulation."""

from django.urls import path

from tenant_apps.patrons.api.views import PatronCategoryViewSet, PatronViewSet

urlpatterns = [
    path(
        "patron-categories/",
        PatronCategoryViewSet.as_view({"get": "list", "post": "create"}),
        name="patron-categories",
    ),
    path("patrons/", PatronViewSet.as_view({"get": "list", "post": "create"}), name="patrons"),
    path(
        "patrons/by-card/<path:card>/",
        PatronViewSet.as_view({"get": "by_card"}, detail=True),
        name="patron-by-card",
    ),
    path(
        "patrons/<str:pk>/",
        PatronViewSet.as_view({"get": "retrieve", "patch": "partial_update"}, detail=True),
        name="patron",
    ),
]
