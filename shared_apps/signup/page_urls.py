"""Addresses of the public site's pages."""

from django.urls import path

from shared_apps.signup import pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("signup/", pages.sign_up, name="signup-page"),
    path("signup/check-your-mail/", pages.check_your_mail, name="signup-check-your-mail"),
    path("signup/verify/", pages.verify, name="signup-verify-page"),
    path("robots.txt", pages.robots, name="robots"),
]
