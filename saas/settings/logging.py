"""Logs: JSON lines in production, readable ones locally; both carry library, user and request id."""

from typing import Any

import structlog

from saas.core.logging import ACCESS, AccessFormatter, mask_secrets, merge_log_context, one_line

_SHARED: list[Any] = [
    merge_log_context,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.format_exc_info,
    mask_secrets,
    one_line,
]


def logging_for(form: str, level: str) -> dict[str, Any]:
    """Django's LOGGING for `form` ("json" or "readable"); also configures structlog itself."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    # The line of each request; in the readable form it goes the way of all others.
    access = {"handlers": ["access"], "propagate": False} if form == "json" else {"propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    renderer,
                ],
                "foreign_pre_chain": _SHARED,
            },
            "access": {"()": AccessFormatter},
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
            "access": {"class": "logging.StreamHandler", "formatter": "access"},
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            ACCESS: access,
            "django.server": {
                "handlers": ["stderr"],
                "level": level,
                "propagate": False,
            },
            # Each 4xx is in the access log already; only what we did not foresee is an error.
            "django.request": {"level": "ERROR"},
            # Two lines for each sweep, every few seconds; failures are warnings and stay.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
        },
    }
