"""Addresses of the security events below /api/v1/ of a library."""

from django.urls import path

from shared_apps.security.api.views import SecurityEventsView

urlpatterns = [
    path("security-events/", SecurityEventsView.as_view({"get": "list"}), name="security-events"),
]
