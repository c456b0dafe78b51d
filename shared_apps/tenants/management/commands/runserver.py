"""`manage.py runserver`: Django's own, which watches the code, told where its questions belong."""

from __future__ import annotations

from typing import Any

from django.contrib.staticfiles.management.commands.runserver import Command as StaticFilesCommand

from saas.core.tenancy import in_public


class Command(StaticFilesCommand):
    """Before it serves, Django asks for unapplied migrations in a thread of its own, which has no library."""

    def inner_run(self, *args: Any, **options: Any) -> None:
        """Check and serve; each request still finds its own library."""
        with in_public():
            super().inner_run(*args, **options)
