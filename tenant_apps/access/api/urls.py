"""Addresses of the caller, permissions, roles and assignments under /api/v1/."""

from django.urls import path

from tenant_apps.access.api.me_views import ExplainView, MeView, PermissionsView
from tenant_apps.access.api.views import RoleAssignmentViewSet, RoleViewSet

urlpatterns = [
    path("me/", MeView.as_view(), name="me"),
    path("permissions/", PermissionsView.as_view(), name="permissions"),
    path("permissions/explain/", ExplainView.as_view(), name="permissions-explain"),
    path("roles/", RoleViewSet.as_view({"get": "list", "post": "create"}), name="roles"),
    path(
        "roles/<str:pk>/",
        RoleViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}, detail=True),
        name="role",
    ),
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
