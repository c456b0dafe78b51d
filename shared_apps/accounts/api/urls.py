"""Addresses under /api/v1/auth/, the same on both kinds of site."""

from django.urls import path

from shared_apps.accounts.api import account_views, mfa_views, passkey_views, views

urlpatterns = [
    path("login/", views.LoginView.as_view(), name="auth-login"),
    path("logout/", views.LogoutView.as_view(), name="auth-logout"),
    path("mfa/", mfa_views.FactorsView.as_view(), name="mfa"),
    path("mfa/totp/", mfa_views.AppView.as_view(), name="mfa-totp"),
    path("mfa/totp/confirm/", mfa_views.ConfirmAppView.as_view(), name="mfa-totp-confirm"),
    path("mfa/recovery-codes/", mfa_views.RecoveryCodesView.as_view(), name="mfa-recovery-codes"),
    path("mfa/webauthn/", mfa_views.PasskeysView.as_view(), name="mfa-webauthn"),
    path("mfa/webauthn/options/", mfa_views.PasskeyOptionsView.as_view(), name="mfa-webauthn-options"),
    path("mfa/webauthn/<str:pk>/", mfa_views.PasskeyView.as_view(), name="mfa-passkey"),
    path("webauthn/", passkey_views.PasskeySignInView.as_view(), name="auth-webauthn"),
    path("webauthn/options/", passkey_views.PasskeyChallengeView.as_view(), name="auth-webauthn-options"),
    path("refresh/", views.RefreshView.as_view(), name="auth-refresh"),
    path(
        "sessions/",
        account_views.SessionViewSet.as_view({"get": "list", "delete": "destroy_others"}),
        name="auth-sessions",
    ),
    path(
        "sessions/<str:pk>/",
        account_views.SessionViewSet.as_view({"delete": "destroy"}, detail=True),
        name="auth-session",
    ),
    path("email/change/", account_views.EmailChangeView.as_view(), name="auth-email-change"),
    path(
        "email/change/confirm/",
        account_views.EmailChangeConfirmView.as_view(),
        name="auth-email-change-confirm",
    ),
    path("password/change/", views.PasswordChangeView.as_view(), name="auth-password-change"),
    path("password/reset/", views.PasswordResetView.as_view(), name="auth-password-reset"),
    path(
        "password/reset/confirm/",
        views.PasswordResetConfirmView.as_view(),
        name="auth-password-reset-confirm",
    ),
]
