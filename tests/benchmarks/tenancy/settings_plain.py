"""The same view on Django's own backend and one schema (BENCHMARK_SCHEMA), without any tenancy."""

import os

from tests.benchmarks.tenancy.settings_stock import *  # noqa: F403
from tests.benchmarks.tenancy.settings_stock import DATABASES, MIDDLEWARE, TENANT_APPS

INSTALLED_APPS = TENANT_APPS
MIDDLEWARE = MIDDLEWARE[1:]
DATABASE_ROUTERS: list[str] = []

_tenants = DATABASES["default"]
_search_path = f"-c search_path={os.environ['BENCHMARK_SCHEMA']},extensions"
DATABASES = {
    "default": {
        **_tenants,
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": {**_tenants["OPTIONS"], "options": f"{_tenants['OPTIONS']['options']} {_search_path}"},
    }
}
