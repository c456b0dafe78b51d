"""Addresses that exist in the demo alone."""

from django.urls import path

from saas.demo.pages import mail

urlpatterns = [path("mail/", mail, name="demo-mail")]
