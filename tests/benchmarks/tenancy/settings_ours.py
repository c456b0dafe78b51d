"""The product under the benchmark: its own settings, roles included, with the addresses of the measured view.

Of the middleware only what tenancy needs, as with both peers: what is compared is its cost, undiluted.
"""

from saas.embedded import provide
from saas.settings.env import PROJECT_ROOT

provide(PROJECT_ROOT / "var" / "tests")

from saas.settings.base import *  # noqa: E402, F403
from saas.settings.logging import logging_for  # noqa: E402
from tests.benchmarks.requests.broker import transport_options  # noqa: E402

LOGGING = logging_for("json", "WARNING")
SECRET_KEY = "benchmarks-only-0123456789-abcdefghijklmnopqrstuvwxyz"
RATE_LIMITS_ENABLED = False
CELERY_BROKER_TRANSPORT_OPTIONS = transport_options()
ROOT_URLCONF = PUBLIC_URLCONF = LIBRARY_URLCONF = "tests.benchmarks.tenancy.view"
MIDDLEWARE = [
    "saas.core.tenancy.middleware.LibraryMiddleware",
    "allauth.account.middleware.AccountMiddleware",  # without it its app does not start
]
