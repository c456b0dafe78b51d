"""The tests: nothing leaves the process but what the test sends to the database and to Redis.

Importing this module starts the embedded servers unless the environment names others: pytest-django reads the
settings before any conftest runs, so there is no earlier place.
"""

import atexit
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from saas.embedded import provide
from saas.settings.env import PROJECT_ROOT

provide(PROJECT_ROOT / "var" / "tests")

from saas.settings.base import *
from saas.settings.base import ENV
from saas.settings.logging import logging_for

LOGGING = logging_for("readable", ENV.or_default("LOG_LEVEL", "WARNING"))
SECRET_KEY = "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
RATE_LIMITS_ENABLED = False
# Tests that want spares make them; nobody else's are made behind the back of one that really commits.
SPARE_LIBRARIES = 0
STRIPE_WEBHOOK_SECRETS = ["whsec_tests_only"]
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
MEDIA_ROOT = DATA_DIR / "tests" / "media"
# Each test client would list all static files again when it is made, a fifth of the whole run.
WHITENOISE_AUTOREFRESH = True
# One test process counts for itself.
METRICS_TOKEN = "metrics-of-the-tests-only"
METRICS_DIR = Path(mkdtemp(prefix="libraryhub-metrics-"))
atexit.register(rmtree, METRICS_DIR, ignore_errors=True)
# Negative answers of the host cache would outlive the test that made them.
LIBRARY_HOST_CACHE_SECONDS = LIBRARY_HOST_MISS_CACHE_SECONDS = 0
# Providers of the tests are processes beside them; there is no waiting for those that hang.
OUTGOING_PRIVATE_NETWORKS = ("127.0.0.0/8", "::1/128")
OUTGOING_SECONDS = 2.0
# No test asks a name server of the world.
DNS_RESOLVER = "tests.written_records.WrittenRecords"
