"""Addresses of the pages to sign in and out of a library, and for one's own second factors.

The settings LOGIN_URL, LOGOUT_URL and ENROLMENT_URL name some of them.
"""

from django.urls import path

from shared_apps.accounts import security_pages
from shared_apps.accounts.pages import ForgottenPasswordPage, PasskeySignInPage, SignInPage, SignOutPage

urlpatterns = [
    path("sign-in/", SignInPage.as_view(), name="sign-in"),
    path("sign-in/passkey/", PasskeySignInPage.as_view(), name="sign-in-passkey"),
    path("password/reset/", ForgottenPasswordPage.as_view(), name="forgotten-password"),
    path("sign-out/", SignOutPage.as_view(), name="sign-out"),
    path("account/security/", security_pages.SecurityPage.as_view(), name="security"),
    path("account/security/app/", security_pages.NewAppPage.as_view(), name="security-app"),
    path(
        "account/security/app/confirm/", security_pages.ConfirmAppPage.as_view(), name="security-app-confirm"
    ),
    path("account/security/app/remove/", security_pages.RemoveAppPage.as_view(), name="security-app-remove"),
    path("account/security/codes/", security_pages.RecoveryCodesPage.as_view(), name="security-codes"),
    path("account/security/passkeys/", security_pages.NewPasskeyPage.as_view(), name="security-passkey"),
    path(
        "account/security/passkeys/add/", security_pages.AddPasskeyPage.as_view(), name="security-passkey-add"
    ),
    path(
        "account/security/passkeys/<str:pk>/remove/",
        security_pages.RemovePasskeyPage.as_view(),
        name="security-passkey-remove",
    ),
]
