"""Addresses of the platform console, below /api/v1/."""

from django.urls import path

from shared_apps.platform.api.views import LibrariesView

urlpatterns = [path("platform/libraries/", LibrariesView.as_view({"get": "list"}), name="platform-libraries")]
