"""Addresses of visits, below /api/v1/ of a library."""

from django.urls import path

from tenant_apps.visits.api.views import EndVisitView, VisitsView

urlpatterns = [
    path("visits/", VisitsView.as_view({"get": "list"}), name="visits"),
    path("visits/<uuid:visit_id>/end/", EndVisitView.as_view(), name="visit-end"),
]
