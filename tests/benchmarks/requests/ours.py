"""The product's settings under the benchmark: everything on, as in production, with limits that a run cannot reach.

The access log, the rate limits, the security headers and the outbox are all part of what is measured.
"""

from saas.embedded import provide
from saas.settings.env import PROJECT_ROOT

provide(PROJECT_ROOT / "var" / "tests")

from saas.settings.base import *  # noqa: E402, F403
from saas.settings.base import RATE_LIMITS  # noqa: E402
from saas.settings.logging import logging_for  # noqa: E402
from tests.benchmarks.requests.broker import transport_options  # noqa: E402

LOGGING = logging_for("json", "INFO")
SECRET_KEY = "benchmarks-only-0123456789-abcdefghijklmnopqrstuvwxyz"
RATE_LIMIT_RESOLVER = "tests.benchmarks.requests.limits.resolve"
RATE_LIMITS = {name: (10_000_000, seconds) for name, (_quota, seconds) in RATE_LIMITS.items()}
CELERY_BROKER_TRANSPORT_OPTIONS = transport_options()
