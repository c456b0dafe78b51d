"""ASGI entry point, for sockets and streams; the API runs on WSGI, which costs less for each request (speed.md)."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings.local")
application = get_asgi_application()
