"""WSGI entry point: the pages and the API."""

import os

from django.core.wsgi import get_wsgi_application

from saas.core.db.startup import refuse_a_leaking_mode
from saas.core.reception import Reception

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings.local")
application = Reception(get_wsgi_application())
refuse_a_leaking_mode()
