"""Address of the settings under /api/v1/."""

from django.urls import path

from tenant_apps.preferences.api.views import SettingsView

urlpatterns = [path("settings/", SettingsView.as_view(), name="settings")]
