"""What other apps call: publish and handle outbox messages, answer a repeated request with the stored answer."""

from shared_apps.delivery.services.forms import once
from shared_apps.delivery.services.idempotency import idempotent
from shared_apps.delivery.services.outbox import handles, publish, purge, relay

__all__ = ["handles", "idempotent", "once", "publish", "purge", "relay"]
