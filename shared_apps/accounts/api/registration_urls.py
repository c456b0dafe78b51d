"""Addresses under /api/v1/auth/registration/, of a library site alone."""

from django.urls import path

from shared_apps.accounts.api import registration_views as views

urlpatterns = [
    path("", views.RegistrationView.as_view(), name="auth-registration"),
    path("verify-email/", views.VerifyEmailView.as_view(), name="auth-registration-verify-email"),
    path("resend/", views.ResendCodeView.as_view(), name="auth-registration-resend"),
]
