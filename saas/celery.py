"""The Celery application: `celery -A saas.celery worker` and `celery -A saas.celery beat`."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings.local")
app = Celery("libraryhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery configures no logging of its own where this signal has a receiver: Django's stays."""
