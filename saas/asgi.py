"""ASGI entry point, for sockets and streams; the API runs on WSGI, which costs less for each request (speed.md)."""

import os

from django.core.asgi import get_asgi_application

from saas.core.db.startup import refuse_a_leaking_mode

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings.local")
application = get_asgi_application()
refuse_a_leaking_mode()
