"""Browser-side protection: content security policy, cookies, transport. security.md and ASVS V3 are the bar."""

from csp.constants import NONCE, NONE, SELF

from saas.settings.env import read

ENV = read()

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# SameSite=Lax: a mailed link still finds the reader signed in; state changes need the CSRF token as well.
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "saas.core.api.problems.csrf_failure"

# Requests to addresses that libraries name (saas.core.outgoing): all of it takes so long at most, and brings so much.
OUTGOING_SECONDS = 5.0
OUTGOING_MAX_BYTES = 256 * 1024
# Networks that are not the world's and may be asked all the same, such as a city's own; http for loopback alone.
OUTGOING_PRIVATE_NETWORKS: tuple[str, ...] = ENV["OUTGOING_PRIVATE_NETWORKS"]

# Who may call the API from a page elsewhere is each library's setting `allowed_origins` (saas.core.cors). With a token:
# cookies belong to the library's own pages, and no other origin may send or set them.
WHITENOISE_ALLOW_ALL_ORIGINS = False
CORS_URLS_REGEX = r"^/api/v1/"
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOWED_ORIGINS: tuple[str, ...] = ()
CORS_PREFLIGHT_MAX_AGE = 600
CORS_ALLOW_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
CORS_ALLOW_HEADERS = (
    "accept",
    "accept-language",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "x-request-id",
)
CORS_EXPOSE_HEADERS = (
    "Content-Disposition",
    "Content-Language",
    "Deprecation",
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Sunset",
    "X-Request-ID",
)

# What keeps security events (saas.core.security_events), and who is told, by site.
SECURITY_RECORDER = "shared_apps.security.services.record"
SECURITY_CONTACTS = {
    "library": "tenant_apps.access.selectors.admin_contacts",
    "public": "shared_apps.platform.selectors.owner_contacts",
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 5
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# A MARC file of a large library fits; what is bigger comes in parts.
IMPORT_MAX_BYTES = 512 * 1024 * 1024
