"""WSGI entry point: the pages and the API."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from saas.core.db.startup import refuse_a_leaking_mode
from saas.core.reception import Reception
from saas.core.start import settle

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings.local")
application = Reception(get_wsgi_application())
refuse_a_leaking_mode()
settle([settings.PUBLIC_URLCONF, settings.LIBRARY_URLCONF])
