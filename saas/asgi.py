"""ASGI entry point: sockets alone. Pages and the API run on WSGI (saas.wsgi), where a request costs less."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from saas.core.sockets import Sockets


def _application() -> Sockets:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings.local")
    django.setup()
    from saas.core.db.startup import refuse_a_leaking_mode
    from saas.core.sockets import Sockets, routes_of_settings
    from saas.core.start import settle

    refuse_a_leaking_mode()
    sockets = Sockets(routes_of_settings())
    settle()
    return sockets


application = _application()
