"""What the tests of sign-up share."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.fleet.services import new_schema_name

NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)
PASSWORD = "otters-swim-at-dawn"
BODY = {
    "library_name": "Harbour Library",
    "subdomain": "harbour",
    "admin_name": "Hanna Harbour",
    "admin_email": "hanna@harbour.example",
    "password": PASSWORD,
    "plan": "starter",
    "country": "IT",
    "language": "en",
    "time_zone": "Europe/Rome",
}


@pytest.fixture
def body() -> dict[str, Any]:
    """A good body of POST /api/v1/signup/, to be changed freely."""
    return dict(BODY)


@pytest.fixture
def requested(db: None) -> Callable[..., Any]:
    """`requested(subdomain="lake")` stores a sign-up and returns (row, token)."""
    from shared_apps.signup import services, tokens
    from shared_apps.signup.applications import Application

    def make(*, now: dt.datetime | None = None, **changes: Any) -> tuple[Any, str]:
        from saas.core import clock

        values = {name: value for name, value in {**BODY, **changes}.items() if name != "password"}
        row = services.request_library(
            application=Application(**values), password=PASSWORD, now=now or clock.now()
        )
        return row, tokens.token_for(row.pk, row.token_nonce)

    return make


@pytest.fixture
def quick_provisioning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries get their row but no schema: for tests that are about the link and not about what it makes."""
    monkeypatch.setattr("shared_apps.tenants.services.provisioning.take_schema", new_schema_name)
    monkeypatch.setattr("shared_apps.tenants.services.provisioning.seed_library", lambda seed: None)


@pytest.fixture
def limits(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Rate limits are on and counted in this process: a slow Redis on a busy machine changes no number."""
    from saas.core.api import limiter

    settings.RATE_LIMITS_ENABLED = True
    monkeypatch.setattr(limiter.breaker, "closed_until", math.inf)
    return settings


def everything() -> dict[str, list[Any]]:
    """Every row that sign-up could touch, to show that a refusal has changed nothing."""
    from shared_apps.audit.models import AuditEntry
    from shared_apps.delivery.models import OutboxMessage
    from shared_apps.signup.models import SignUp
    from shared_apps.tenants.models import Library

    models = (SignUp, Library, AuditEntry, OutboxMessage)
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


@pytest.fixture
def snapshot(db: None) -> Callable[[], dict[str, list[Any]]]:
    """`snapshot()` before and after."""
    return everything
