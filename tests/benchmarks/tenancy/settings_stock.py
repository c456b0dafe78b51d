"""The same tables over stock django-tenants: its backend, its middleware, its commands, its defaults."""

import os
from pathlib import Path
from tempfile import gettempdir

from saas.settings.apps import SHARED_APPS as _SHARED
from saas.settings.apps import TENANT_APPS as _TENANT
from saas.settings.auth import AUTHENTICATION_BACKENDS, SILENCED_SYSTEM_CHECKS  # noqa: F401
from saas.settings.database import database_from_url

SECRET_KEY = "benchmarks-only-0123456789-abcdefghijklmnopqrstuvwxyz"
DEBUG = False
ALLOWED_HOSTS = [".localhost"]
ROOT_URLCONF = "tests.benchmarks.tenancy.view"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
# The apps bring our counters along, which nobody here counts with.
METRICS_DIR = Path(gettempdir()) / "libraryhub-benchmarks-metrics"
USE_TZ = True
TIME_ZONE = "UTC"

# The kernel patches content types for its own backend and has no tables; the accounts are taken without its tokens.
_LEFT_OUT = {"saas.core", "saas.demo", "django_tenants"}
_INSTEAD = {"shared_apps.accounts": "tests.benchmarks.peers.usual_drf.apps.StockAccounts"}
SHARED_APPS = [
    "django_tenants",
    "tests.benchmarks.tenancy.stock_tenants",
    *(_INSTEAD.get(name, name) for name in _SHARED if name not in _LEFT_OUT),
]
TENANT_APPS = [_INSTEAD.get(name, name) for name in _TENANT]
INSTALLED_APPS = list(dict.fromkeys([*SHARED_APPS, *TENANT_APPS]))
TENANT_MODEL = "stock_tenants.Client"
TENANT_DOMAIN_MODEL = "stock_tenants.Domain"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
PG_EXTRA_SEARCH_PATHS = ["extensions"]
MIDDLEWARE = [
    "django_tenants.middleware.main.TenantMainMiddleware",
    "allauth.account.middleware.AccountMiddleware",  # without it its app does not start
]

DATABASES = {
    "default": {
        **database_from_url(os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]),
        "ENGINE": "django_tenants.postgresql_backend",
    }
}
