"""Addresses of a library's domains, below /api/v1/ of its site."""

from django.urls import path

from shared_apps.tenants.api.views import DomainProofView, DomainsView, DomainView

urlpatterns = [
    path("domains/", DomainsView.as_view(), name="domains"),
    path("domains/<str:pk>/", DomainView.as_view(), name="domain"),
    path("domains/<str:pk>/verify/", DomainProofView.as_view(), name="domain-verify"),
]
