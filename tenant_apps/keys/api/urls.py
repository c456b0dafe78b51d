"""Addresses of service accounts and keys under /api/v1/."""

from django.urls import path

from tenant_apps.keys.api.views import ApiKeyViewSet, ServiceAccountViewSet

urlpatterns = [
    path(
        "service-accounts/",
        ServiceAccountViewSet.as_view({"get": "list", "post": "create"}),
        name="service-accounts",
    ),
    path(
        "service-accounts/<str:pk>/",
        ServiceAccountViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}, detail=True
        ),
        name="service-account",
    ),
    path("api-keys/", ApiKeyViewSet.as_view({"get": "list", "post": "create"}), name="api-keys"),
    path(
        "api-keys/<str:pk>/",
        ApiKeyViewSet.as_view({"get": "retrieve", "delete": "destroy"}, detail=True),
        name="api-key",
    ),
    path(
        "api-keys/<str:pk>/rotate/",
        ApiKeyViewSet.as_view({"post": "rotate"}, detail=True),
        name="api-key-rotate",
    ),
]
