"""Addresses of identity providers and of signing in with them, under /api/v1/."""

from django.urls import path

from tenant_apps.federation.api import social_views as social
from tenant_apps.federation.api.views import IdentityProviderViewSet

urlpatterns = [
    path(
        "identity-providers/",
        IdentityProviderViewSet.as_view({"get": "list", "post": "create"}),
        name="identity-providers",
    ),
    path(
        "identity-providers/<str:pk>/",
        IdentityProviderViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}, detail=True
        ),
        name="identity-provider",
    ),
    path("auth/social/", social.WaysInView.as_view(), name="social"),
    path("auth/social/link/", social.LinkView.as_view(), name="social-link"),
    path("auth/social/second-factor/", social.SecondFactorView.as_view(), name="social-second-factor"),
    path("auth/social/identities/", social.IdentitiesView.as_view(), name="social-identities"),
    path("auth/social/identities/<str:pk>/", social.IdentityView.as_view(), name="social-identity"),
    path("auth/social/<str:code>/", social.BeginView.as_view(), name="social-begin"),
    path("auth/social/<str:code>/callback/", social.CallbackView.as_view(), name="social-callback"),
]
