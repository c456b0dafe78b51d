"""Work on this machine: readable logs, pages without HTTPS, embedded servers unless the environment names others."""

from saas.settings.base import *
from saas.settings.base import ENV
from saas.settings.logging import logging_for

DEBUG = ENV.or_default("DEBUG", False)
LOGGING = logging_for(ENV.or_default("LOG_FORMAT", "readable"), ENV["LOG_LEVEL"])
if ENV["DEMO"]:
    # A provider on the same machine can be tried out.
    OUTGOING_PRIVATE_NETWORKS = ("127.0.0.0/8", "::1/128", *ENV["OUTGOING_PRIVATE_NETWORKS"])
SECURE_COOKIES = ENV.or_default("SECURE_COOKIES", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
if not ENV["EMAIL_HOST"] and not ENV["DEMO"]:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
