"""What every entry point shares: local, test and production import all of it and then set what differs."""

from pathlib import Path
from socket import gethostname

from django.utils.translation import gettext_lazy as _

from saas.settings.apps import INSTALLED_APPS, SHARED_APPS, TENANT_APPS
from saas.settings.env import PROJECT_ROOT, read

ENV = read()
DEBUG = False
DEMO = bool(ENV["DEMO"])
SECRET_KEY = ENV["SECRET_KEY"]
SECRET_KEY_FALLBACKS = list(ENV["SECRET_KEY_FALLBACKS"])
DATA_DIR: Path = ENV["DATA_DIR"]

# -- sites ----------------------------------------------------------------------------------------------------------
BASE_DOMAINS: tuple[str, ...] = ENV.or_default("BASE_DOMAINS", ("localhost",))
PUBLIC_URL: str = ENV.or_default("PUBLIC_URL", "http://localhost:8000")
# LibraryMiddleware answers unknown hosts itself, from its bounded cache, before any view or database query.
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "saas.urls_public"
PUBLIC_URLCONF = "saas.urls_public"
LIBRARY_URLCONF = "saas.urls_library"
WSGI_APPLICATION = "saas.wsgi.application"
# Dotted names of SocketRoute objects (saas.core.sockets), served by the process of saas.asgi.
SOCKET_ROUTES: tuple[str, ...] = ()
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Requests whose path begins so leave `ApiChain` for API_MIDDLEWARE; the rest of MIDDLEWARE is for everything else.
API_PATHS = ("/api/v",)
# A browser comes back from an identity provider to the API, and is signed in to the pages.
API_PATHS_WITH_PAGES = ("/api/v1/auth/social/",)
API_MIDDLEWARE = [
    "saas.core.middleware.RequestContextMiddleware",
    "saas.core.api.middleware.ApiHeadersMiddleware",
    "saas.core.middleware.BodyLengthMiddleware",
    "saas.core.tenancy.middleware.LibraryMiddleware",
    "saas.core.api.middleware.ApiCorsMiddleware",
    "saas.core.api.visits.VisitMiddleware",
    "saas.core.middleware.LanguageMiddleware",
    "saas.core.api.middleware.ApiCsrfMiddleware",
]
MIDDLEWARE = [
    "saas.core.chains.ApiChain",
    "saas.core.middleware.RequestContextMiddleware",
    "saas.core.middleware.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "saas.core.middleware.BodyLengthMiddleware",
    "saas.core.tenancy.middleware.LibraryMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    # Outside of all that answers in a library: each request of a visit is recorded.
    "saas.core.api.visits.VisitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "saas.core.middleware.LanguageMiddleware",
    "saas.core.middleware.SlashMiddleware",
    "saas.core.middleware.BodyLimitMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "saas.core.browser_session.BrowserSessionMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "saas.core.context_processors.site",
            ],
        },
    }
]

# -- language and time ----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("it", _("Italian"))]
LOCALE_PATHS = [PROJECT_ROOT / "saas" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# -- files ----------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
# Without `collectstatic` (local work, tests) files come from the apps themselves.
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "saas.core.tenancy.storage.LibraryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

# -- metrics --------------------------------------------------------------------------------------------------------
# Each process has a file of its own there, by its number, which another machine may have too.
METRICS_DIR = DATA_DIR / "metrics" / gethostname()
METRICS_TOKEN: str = ENV["METRICS_TOKEN"]

# -- mail -----------------------------------------------------------------------------------------------------------
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = ENV["EMAIL_HOST"] or "localhost"
EMAIL_PORT = ENV["EMAIL_PORT"]
EMAIL_HOST_USER = ENV["EMAIL_USER"]
EMAIL_HOST_PASSWORD = ENV["EMAIL_PASSWORD"]
EMAIL_USE_TLS = ENV["EMAIL_TLS"]
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = ENV["DEFAULT_FROM_EMAIL"]
DEMO_MAIL_DIR = DATA_DIR / "demo" / "mail"
if DEMO:
    EMAIL_BACKEND = "saas.demo.mail.CatchingBackend"

# -- money ----------------------------------------------------------------------------------------------------------
STRIPE_SECRET_KEY = ENV["STRIPE_SECRET_KEY"]
STRIPE_WEBHOOK_SECRETS = list(ENV["STRIPE_WEBHOOK_SECRETS"])

# -- tenancy (django-tenants is the substrate; saas.core.tenancy is what we call) ------------------------------------
TENANT_MODEL = "tenants.Library"
TENANT_DOMAIN_MODEL = "tenants.Domain"
PUBLIC_SCHEMA_NAME = "public"
TENANT_SYNC_ROUTER = "saas.core.db.routers.LibraryRouter"
DATABASE_ROUTERS = [TENANT_SYNC_ROUTER]
LIBRARY_RESOLVER = "shared_apps.tenants.selectors.find_library"
LIBRARY_BY_ID = "shared_apps.tenants.selectors.find_library_by_id"
OPEN_LIBRARIES = "shared_apps.tenants.selectors.open_libraries"
LIBRARY_HOST_CACHE_SECONDS = 60
LIBRARY_HOST_MISS_CACHE_SECONDS = 2
LIBRARY_HOST_CACHE_SIZE = 10_000
# Run inside a library's schema in this order: when the schema is made, ahead of any sign-up.
LIBRARY_PREPARERS = [
    "tenant_apps.branches.services.prepare_library",
    "tenant_apps.access.services.prepare_library",
    "tenant_apps.catalog.services.prepare_library",
    "tenant_apps.patrons.services.prepare_library",
    "tenant_apps.circulation.services.prepare_library",
]
# And in the transaction that makes the library.
LIBRARY_SEEDERS = [
    "tenant_apps.preferences.services.seed_library",
    "tenant_apps.branches.services.seed_library",
    "tenant_apps.access.services.seed_library",
    "tenant_apps.catalog.services.seed_library",
    "tenant_apps.patrons.services.seed_library",
]
# Schemas kept ready for sign-ups to come.
SPARE_LIBRARIES: int = ENV["SPARE_LIBRARIES"]

from saas.settings.api import *
from saas.settings.auth import *
from saas.settings.cache import *
from saas.settings.database import *
from saas.settings.libraries import *
from saas.settings.security import *
from saas.settings.tasks import *
