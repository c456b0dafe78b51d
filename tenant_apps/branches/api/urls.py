"""Addresses of branches under /api/v1/."""

from django.urls import path

from tenant_apps.branches.api.views import BranchViewSet

urlpatterns = [
    path("branches/", BranchViewSet.as_view({"get": "list", "post": "create"}), name="branches"),
    path(
        "branches/<str:pk>/",
        BranchViewSet.as_view({"get": "retrieve", "patch": "partial_update"}, detail=True),
        name="branch",
    ),
]
