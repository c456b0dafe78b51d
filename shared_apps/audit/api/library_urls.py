"""Address of a library's log, below /api/v1/."""

from django.urls import path

from shared_apps.audit.api.views import LibraryAuditView

urlpatterns = [path("audit/", LibraryAuditView.as_view({"get": "list"}), name="audit")]
