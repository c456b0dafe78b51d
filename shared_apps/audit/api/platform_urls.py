"""Address of the platform's log, below /api/v1/platform/."""

from django.urls import path

from shared_apps.audit.api.views import PlatformAuditView

urlpatterns = [path("audit/", PlatformAuditView.as_view({"get": "list"}), name="platform-audit")]
