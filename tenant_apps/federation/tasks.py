"""What is done for every library from time to time."""

from __future__ import annotations

from saas.core import clock
from saas.core.tasks import in_each_library, public_task
from shared_apps.delivery.ports import open_libraries
from tenant_apps.federation import services


@public_task(name="federation.renew_secrets")
def renew_secrets() -> None:
    """Encrypt client secrets anew where the secret key has been rotated; every day."""
    now = clock.now()
    in_each_library(open_libraries(), lambda: services.renew_secrets(now=now))
