"""Addresses of billing on the public site, below /billing/."""

from django.urls import path

from billing.api.views import stripe_webhook

urlpatterns = [path("stripe/webhook/", stripe_webhook, name="stripe-webhook")]
