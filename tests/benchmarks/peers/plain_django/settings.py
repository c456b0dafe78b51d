"""The same project without tenancy: Django's own PostgreSQL backend on one schema, no host looked up, no router.

The schema is the library's, named once when the connection opens, as a project with one library would have `public`.
"""

import os

from tests.benchmarks.peers.usual_drf.settings import *  # noqa: F403
from tests.benchmarks.peers.usual_drf.settings import CACHES, DATABASES, MIDDLEWARE, TENANT_APPS

INSTALLED_APPS = ["rest_framework", "django.contrib.messages", *TENANT_APPS]
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("django_tenants.")]
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
CACHES = {"default": {**CACHES["default"], "KEY_PREFIX": "plain-django"}}
