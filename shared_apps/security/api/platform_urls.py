"""Addresses of the security events below /api/v1/ of the public site."""

from django.urls import path

from shared_apps.security.api.views import PlatformSecurityEventsView

urlpatterns = [
    path(
        "platform/security-events/",
        PlatformSecurityEventsView.as_view({"get": "list"}),
        name="platform-security-events",
    ),
]
