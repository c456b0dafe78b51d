"""Production: refuses to start until the environment is fit for it, with every reason at once."""

from saas.settings.base import *
from saas.settings.base import ENV
from saas.settings.env import PROJECT_ROOT, EnvironmentProblems, production_problems, report
from saas.settings.logging import logging_for

if problems := production_problems(ENV):
    raise EnvironmentProblems(report(problems))

DEBUG = False
WHITENOISE_USE_FINDERS = False
STATIC_ROOT = PROJECT_ROOT / "static"
LOGGING = logging_for(ENV.or_default("LOG_FORMAT", "json"), ENV["LOG_LEVEL"])

# `__Host-` binds a cookie to the one host that set it: no library can set or read another's (ASVS 3.3.1, 3.3.3).
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-session"
CSRF_COOKIE_NAME = "__Host-csrf"
SECURE_HSTS_SECONDS = 63_072_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
if ENV["TRUSTED_PROXY_COUNT"]:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
