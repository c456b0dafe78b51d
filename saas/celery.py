"""The Celery application: `celery -A saas.celery worker` and `celery -A saas.celery beat`."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings.local")
app = Celery("libraryhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery configures no logging of its own where this signal has a receiver: Django's stays."""


@worker_init.connect
def refuse_to_start_where_a_library_could_leak(**_: Any) -> None:
    """End the worker; an exception alone would be logged by Celery and passed over."""
    from saas.core.db.startup import refuse_a_leaking_mode

    try:
        refuse_a_leaking_mode()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from error
