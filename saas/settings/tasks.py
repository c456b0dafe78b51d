"""Celery: JSON alone, late acknowledgement, and the schedule (code, not rows: it is part of the release)."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from saas.settings.cache import REDIS_URL, redis_database

BROKER_DATABASE = 3


def broker_url(url: str) -> str:
    """Celery's spelling of a Redis URL; a socket is `redis+socket://PATH?virtual_host=N`.

    Of the query only `ssl_...` means something to Celery. It would not look at the server's certificate unless told to.
    """
    parts = urlsplit(redis_database(url, BROKER_DATABASE))
    if parts.scheme == "unix":
        return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={BROKER_DATABASE}"
    options = {name: value for name, value in parse_qsl(parts.query) if name.startswith("ssl_")}
    if parts.scheme == "rediss":
        options.setdefault("ssl_cert_reqs", "required")
    query = urlencode(options, safe="/")
    return f"{parts.scheme}://{parts.netloc}{parts.path}" + (f"?{query}" if query else "")


CELERY_APPLICATION = "saas.celery"
CELERY_BROKER_URL = broker_url(REDIS_URL)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
}
# A publish waits this long for Redis at most; the outbox has the message already, and the sweeper sends it later.
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 1,
    "interval_start": 0.1,
    "interval_max": 0.2,
}
CELERY_TIMEZONE = "UTC"
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_BEAT_SCHEDULE = {
    "delivery.sweep": {
        "task": "delivery.sweep",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "delivery.purge": {
        "task": "delivery.purge",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "catalog.resume_imports": {
        "task": "catalog.resume_imports",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    "accounts.purge_sessions": {
        "task": "accounts.purge_sessions",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "federation.renew_secrets": {
        "task": "federation.renew_secrets",
        "schedule": 24 * 3600.0,
        "options": {"expires": 3600},
    },
    "security.purge": {
        "task": "security.purge",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "members.purge_invitations": {
        "task": "members.purge_invitations",
        "schedule": 86_400.0,
        "options": {"expires": 3600},
    },
    "tenants.erase_closed": {
        "task": "tenants.erase_closed",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "tenants.check_domains": {
        "task": "tenants.check_domains",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    "tenants.forget_former_subdomains": {
        "task": "tenants.forget_former_subdomains",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "fleet.resume_backfills": {
        "task": "fleet.resume_backfills",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "fleet.refill_spares": {
        "task": "fleet.refill_spares",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "signup.expire": {
        "task": "signup.expire",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
}
