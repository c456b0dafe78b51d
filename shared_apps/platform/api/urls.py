"""Addresses of the platform console, below /api/v1/."""

from django.urls import path

from shared_apps.platform.api import views
from shared_apps.platform.api.migrations import MigrationsView

_ONE = "platform/libraries/<uuid:library_id>/"

urlpatterns = [
    path("platform/libraries/", views.LibrariesView.as_view({"get": "list"}), name="platform-libraries"),
    path("platform/migrations/", MigrationsView.as_view({"get": "list"}), name="platform-migrations"),
    path(_ONE, views.LibraryView.as_view(), name="platform-library"),
    path(f"{_ONE}suspend/", views.SuspendLibraryView.as_view(), name="platform-library-suspend"),
    path(f"{_ONE}resume/", views.ResumeLibraryView.as_view(), name="platform-library-resume"),
    path(f"{_ONE}restrict/", views.RestrictLibraryView.as_view(), name="platform-library-restrict"),
    path(f"{_ONE}close/", views.CloseLibraryView.as_view(), name="platform-library-close"),
    path(f"{_ONE}restore/", views.RestoreLibraryView.as_view(), name="platform-library-restore"),
]
