"""What the public site keeps of a library's own settings."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.db import transaction

from saas.core.fields import next_version
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_public
from saas.core.tenancy.hosts import forget_hosts
from shared_apps.audit.services import record
from shared_apps.tenants.models import Library


def update_profile(*, library_id: uuid.UUID, values: Mapping[str, str]) -> None:
    """Copy a library's name, language, time zone, country and origins from its settings; equal ones change nothing."""
    with in_public(), transaction.atomic():
        library = Library.objects.select_for_update(no_key=True).get(pk=library_id)
        changed = {field: value for field, value in values.items() if getattr(library, field) != value}
        if not changed:
            return
        Library.objects.filter(pk=library_id).update(**changed, version=next_version())
        record(
            action="library.profile_changed", by=SYSTEM, target=library, changes={"fields": sorted(changed)}
        )
        transaction.on_commit(forget_hosts)
