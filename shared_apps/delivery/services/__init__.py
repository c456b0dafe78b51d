"""What other apps call: publish and handle outbox messages, answer a repeated request with the stored answer."""

from shared_apps.delivery.services.forms import once
from shared_apps.delivery.services.idempotency import idempotent
from shared_apps.delivery.services.outbox import handles, message_part, message_values, publish, purge, relay

__all__ = ["handles", "idempotent", "message_part", "message_values", "once", "publish", "purge", "relay"]
