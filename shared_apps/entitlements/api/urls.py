"""Addresses of plans, below /api/v1/."""

from django.urls import path

from shared_apps.entitlements.api.views import PlansView

urlpatterns = [path("plans/", PlansView.as_view(), name="plans")]
