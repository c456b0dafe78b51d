"""A DRF project over stock django-tenants, as its tutorials and its users set it up; same database, same cache server.

Taken over from the product are the tables (models), the connection's age and timeouts, and the password hashers.
"""

import os
from datetime import timedelta

from saas.settings.cache import redis_database
from saas.settings.database import database_from_url

SECRET_KEY = "benchmarks-only-0123456789-abcdefghijklmnopqrstuvwxyz"
DEBUG = False
ALLOWED_HOSTS = [".localhost", "127.0.0.1"]
ROOT_URLCONF = "tests.benchmarks.peers.usual_drf.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("it", "Italian")]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]

SHARED_APPS = [
    "django_tenants",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "tests.benchmarks.peers.usual_drf.apps.StockAccounts",
    "shared_apps.tenants",
    "rest_framework",
]
TENANT_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "tests.benchmarks.peers.usual_drf.apps.StockAccounts",
    "shared_apps.audit",
    "guardian",
    "tenant_apps.branches",
    "tenant_apps.collections",
    "tenant_apps.keys",
    "tenant_apps.access",
    "tenant_apps.catalog",
    "tenant_apps.patrons",
    "tenant_apps.circulation",
]
INSTALLED_APPS = list(dict.fromkeys([*SHARED_APPS, *TENANT_APPS]))
TENANT_MODEL = "tenants.Library"
TENANT_DOMAIN_MODEL = "tenants.Domain"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]

MIDDLEWARE = [
    "django_tenants.middleware.main.TenantMainMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

DATABASES = {
    "default": {
        **database_from_url(os.environ["DATABASE_OWNER_URL"]),
        "ENGINE": "django_tenants.postgresql_backend",
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": redis_database(os.environ["REDIS_URL"], 1),
        "KEY_PREFIX": "usual-drf",
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tests.benchmarks.peers.usual_drf.permissions.RolePermission"],
    "DEFAULT_PAGINATION_CLASS": "tests.benchmarks.peers.usual_drf.pagination.NewestFirst",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    # Never reached. By the second, because this throttle keeps the moment of every request of the period.
    "DEFAULT_THROTTLE_RATES": {"user": "10000/second"},
}
SIMPLE_JWT = {"ACCESS_TOKEN_LIFETIME": timedelta(hours=1)}
