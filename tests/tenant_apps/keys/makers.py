"""Keys for tests, made as the API makes them, and the clients that present them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from rest_framework.test import APIClient

from saas.core import clock
from saas.core.principals import Principal
from saas.core.tenancy import in_library
from tenant_apps.access.rules import PERMISSIONS
from tenant_apps.keys import services
from tenant_apps.keys.rules import NEVER_BY_KEY
from tenant_apps.keys.services import MadeKey

ALL = sorted(set(PERMISSIONS) - NEVER_BY_KEY)


def everything(user_id: int | None = None) -> Principal:
    """Somebody who may do everything in the library."""
    return Principal(user_id=user_id, permissions=frozenset(PERMISSIONS))


def make_key(library: Any, *permissions: str, **more: Any) -> MadeKey:
    """A key of the library with these permissions, made now."""
    values: dict[str, Any] = {"name": "Test key", "maker": everything(), "now": clock.now(), **more}
    with in_library(library):
        return services.create_key(permissions=list(permissions), **values)


def key_client(library: Any, key: str) -> Any:
    """A client on the library's host that presents the key."""
    client = APIClient(HTTP_HOST=f"{library.subdomain}.localhost")
    client.credentials(HTTP_AUTHORIZATION=f"Api-Key {key}")
    return client


HOUR = dt.timedelta(hours=1)
