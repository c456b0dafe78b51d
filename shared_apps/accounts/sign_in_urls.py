"""Addresses of the pages to sign in and out of a library; the settings LOGIN_URL and LOGOUT_URL name them."""

from django.urls import path

from shared_apps.accounts.pages import ForgottenPasswordPage, SignInPage, SignOutPage

urlpatterns = [
    path("sign-in/", SignInPage.as_view(), name="sign-in"),
    path("password/reset/", ForgottenPasswordPage.as_view(), name="forgotten-password"),
    path("sign-out/", SignOutPage.as_view(), name="sign-out"),
]
