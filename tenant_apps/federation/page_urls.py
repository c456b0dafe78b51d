"""Addresses of the pages between the sign-in page and a provider."""

from django.urls import path

from tenant_apps.federation.pages import ConnectPage, SecondFactorPage, SignInWithPage

urlpatterns = [
    path("sign-in/with/<str:code>/", SignInWithPage.as_view(), name="sign-in-with"),
    path("sign-in/second-factor/", SecondFactorPage.as_view(), name="sign-in-second-factor"),
    path("sign-in/connect/", ConnectPage.as_view(), name="sign-in-connect"),
]
