"""Addresses of the platform console, below /api/v1/."""

from django.urls import path

from shared_apps.platform.api import deletions, staff, views, visits
from shared_apps.platform.api.migrations import MigrationsView

_ONE = "platform/libraries/<uuid:library_id>/"
_DELETION = "platform/deletions/<uuid:request_id>/"

urlpatterns = [
    path("platform/libraries/", views.LibrariesView.as_view({"get": "list"}), name="platform-libraries"),
    path("platform/migrations/", MigrationsView.as_view({"get": "list"}), name="platform-migrations"),
    path(_ONE, views.LibraryView.as_view(), name="platform-library"),
    path(f"{_ONE}suspend/", views.SuspendLibraryView.as_view(), name="platform-library-suspend"),
    path(f"{_ONE}resume/", views.ResumeLibraryView.as_view(), name="platform-library-resume"),
    path(f"{_ONE}restrict/", views.RestrictLibraryView.as_view(), name="platform-library-restrict"),
    path(f"{_ONE}close/", views.CloseLibraryView.as_view(), name="platform-library-close"),
    path(f"{_ONE}restore/", views.RestoreLibraryView.as_view(), name="platform-library-restore"),
    path(f"{_ONE}impersonate/", visits.ImpersonateView.as_view(), name="platform-library-impersonate"),
    path(f"{_ONE}delete/", deletions.DeleteLibraryView.as_view(), name="platform-library-delete"),
    path("platform/visits/", visits.VisitsView.as_view({"get": "list"}), name="platform-visits"),
    path("platform/visits/<uuid:visit_id>/end/", visits.EndVisitView.as_view(), name="platform-visit-end"),
    path("platform/deletions/", deletions.DeletionsView.as_view({"get": "list"}), name="platform-deletions"),
    path(f"{_DELETION}approve/", deletions.ApproveView.as_view(), name="platform-deletion-approve"),
    path(f"{_DELETION}reject/", deletions.RejectView.as_view(), name="platform-deletion-reject"),
    path(
        "platform/staff/",
        staff.StaffViewSet.as_view({"get": "list", "post": "create"}),
        name="platform-staff",
    ),
    path(
        "platform/staff/<str:pk>/",
        staff.StaffViewSet.as_view({"patch": "partial_update"}, detail=True),
        name="platform-staff-member",
    ),
    path(
        "platform/staff/<str:pk>/deactivate/",
        staff.StaffViewSet.as_view({"post": "deactivate"}, detail=True),
        name="platform-staff-deactivate",
    ),
]
