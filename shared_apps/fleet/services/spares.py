"""The pool of spares: schemas that are made before their libraries, so that a sign-up waits for none."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from saas.core.db.owner import OWNER
from shared_apps.fleet.models import LibrarySchema, Release, SchemaState
from shared_apps.fleet.services.locks import FleetLock, held
from shared_apps.fleet.services.releases import current_key
from shared_apps.fleet.services.schemas import drop_unclaimed, make_schema

log = structlog.get_logger(__name__)
# Longer than any migrations of an empty schema take.
_GIVEN_UP_AFTER = timedelta(hours=1)


def refill_spares() -> int:
    """Make spares of the current release up to SPARE_LIBRARIES, then drop old ones; the number made.

    Each is a transaction of its own. One process at a time: where another is at it, nothing happens.
    """
    with held(FleetLock.SPARES, wait=False) as is_ours:
        if not is_ours:
            return 0
        made = 0
        while _spares() < settings.SPARE_LIBRARIES:
            make_schema()
            made += 1
        _drop_stale()
    return made


def _spares() -> int:
    return LibrarySchema.objects.using(OWNER).filter(state=SchemaState.SPARE, release=current_key()).count()


def _drop_stale() -> None:
    """Drop spares of earlier releases, and what a killed maker left.

    Those of later releases stay: while a deploy rolls through the fleet, processes of both releases refill.
    """
    current = Release.objects.using(OWNER).filter(pk=current_key()).first()
    if current is None:
        return  # nobody has made a spare of this release yet, so it replaces none
    rows = LibrarySchema.objects.using(OWNER)
    not_earlier = Release.objects.using(OWNER).filter(created_at__gte=current.created_at)
    stale = rows.filter(
        Q(state=SchemaState.SPARE) & ~Q(release__in=not_earlier.values("key"))
        | Q(state=SchemaState.UNFINISHED, made_at__lt=timezone.now() - _GIVEN_UP_AFTER)
    )
    for name in list(stale.values_list("name", flat=True)):
        if drop_unclaimed(name):
            log.info("fleet.stale_spare_dropped", schema=name)
