"""Addresses of sign-up, below /api/v1/."""

from django.urls import path

from shared_apps.signup.api import views

urlpatterns = [
    path("signup/", views.SignUpView.as_view(), name="signup"),
    path("signup/availability/", views.AvailabilityView.as_view(), name="signup-availability"),
    path("signup/verify/", views.VerifyView.as_view(), name="signup-verify"),
    path("signup/<uuid:sign_up_id>/", views.SignUpStatusView.as_view(), name="signup-status"),
]
