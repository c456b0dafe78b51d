"""Addresses under /api/v1/auth/, the same on both kinds of site."""

from django.urls import path

from shared_apps.accounts.api import account_views, views

urlpatterns = [
    path("login/", views.LoginView.as_view(), name="auth-login"),
    path("logout/", views.LogoutView.as_view(), name="auth-logout"),
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
