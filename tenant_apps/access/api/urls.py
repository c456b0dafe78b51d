"""Addresses of the caller, roles and assignments under /api/v1/."""

from django.urls import path

from tenant_apps.access.api.views import MeView, RoleAssignmentViewSet, RoleViewSet

urlpatterns = [
    path("me/", MeView.as_view(), name="me"),
    path("roles/", RoleViewSet.as_view({"get": "list"}), name="roles"),
    path(
        "role-assignments/",
        RoleAssignmentViewSet.as_view({"get": "list", "post": "create"}),
        name="role-assignments",
    ),
    path(
        "role-assignments/<str:pk>/",
        RoleAssignmentViewSet.as_view({"delete": "destroy"}, detail=True),
        name="role-assignment",
    ),
]
