"""Django REST framework and the OpenAPI document."""

from saas.core.api.openapi_settings import SPECTACULAR_DEFAULTS
from saas.settings.env import read

ENV = read()

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "saas.core.api.authentication.LibraryJWTAuthentication",
        "saas.core.api.key_authentication.ApiKeyAuthentication",
        "saas.core.api.visits.VisitAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["saas.core.api.permissions.HasDeclaredPermission"],
    "DEFAULT_PARSER_CLASSES": ["saas.core.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["saas.core.api.renderers.ORJSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "saas.core.api.renderers.AcceptNegotiation",
    "DEFAULT_THROTTLE_CLASSES": ["saas.core.api.throttling.PolicyThrottle"],
    "DEFAULT_PAGINATION_CLASS": "saas.core.api.pagination.KeysetPagination",
    "DEFAULT_SCHEMA_CLASS": "saas.core.api.openapi.ProblemAwareSchema",
    "EXCEPTION_HANDLER": "saas.core.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

API_MAX_BODY_BYTES = 1024 * 1024
TRUSTED_PROXY_COUNT: int = ENV["TRUSTED_PROXY_COUNT"]
RATE_LIMITS_ENABLED = True
# policy name: (requests, seconds). "library" counts all callers of one library, "library-guests" those among them who
# have not signed in, "key" one key; the library's plan has the numbers of these three.
RATE_LIMIT_RESOLVER = "shared_apps.entitlements.selectors.rate_limit_of_policy"
RATE_LIMITS = {
    "burst": (600, 60),
    "anonymous": (300, 60),
    "key": (600, 60),
    "library": (6_000, 60),
    "library-guests": (3_000, 60),
    "signup": (20, 3600),
    # Failures for one account from one address of the network, and from all of them together.
    "login-account": (10, 300),
    "login-account-anywhere": (50, 900),
    "login-address": (100, 300),
    # Wrong codes after the right password, for one account, from anywhere.
    "login-code": (20, 3600),
    # Each asks a provider that somebody else chose; a class of pupils comes from one address.
    "sign-in-elsewhere": (300, 300),
    "registration": (20, 3600),
    # Codes to one mailbox: with five tries each, a guesser has 25 an hour of 10^12.
    "email-code": (5, 3600),
    "import": (120, 3600),
    # Mails to people who have not asked for them, from one library.
    "invitation": (100, 3600),
    # Each asks name servers that somebody else chose.
    "domain-verify": (30, 3600),
    # All of it comes from the TLS server.
    "tls-ask": (1_200, 60),
}
SPECTACULAR_SETTINGS = SPECTACULAR_DEFAULTS
