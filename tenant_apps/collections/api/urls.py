"""Addresses of collections under /api/v1/."""

from django.urls import path

from tenant_apps.collections.api.views import CollectionViewSet

urlpatterns = [
    path("collections/", CollectionViewSet.as_view({"get": "list", "post": "create"}), name="collections"),
    path(
        "collections/<str:pk>/",
        CollectionViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}, detail=True
        ),
        name="collection",
    ),
]
