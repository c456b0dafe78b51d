"""The libraries as platform staff see them: all, whatever their status."""

from __future__ import annotations

from django.db.models import QuerySet

from shared_apps.tenants.models import Library, LibraryStatus

STATUSES: tuple[str, ...] = tuple(LibraryStatus.values)


def all_libraries() -> QuerySet[Library]:
    """Every library, for a caller in the public schema who may see the fleet and who filters and pages."""
    return Library.objects.all()
