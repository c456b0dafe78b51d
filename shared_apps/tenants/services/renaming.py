"""Another subdomain for a library. The old one leads to it for a while, and nobody else may have it meanwhile."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from saas.core.db.integrity import refused_if_taken
from saas.core.principals import Actor
from saas.core.tenancy import in_public
from shared_apps.tenants import rules, subdomains
from shared_apps.tenants.errors import SubdomainNotAllowed, SubdomainTaken
from shared_apps.tenants.models import FormerSubdomain, Library
from shared_apps.tenants.selectors import subdomain_state
from shared_apps.tenants.services.lifecycle import locked_library, note, refused


def rename_library(*, library_id: uuid.UUID, subdomain: str, by: Actor, now: datetime) -> Library:
    """Give a library the subdomain that a person wrote; the one that it has already changes nothing.

    What a token, a key or a link was signed with stays (the schema and the id), so they go on being good at the new
    address; cookies belong to the old host, so that people at the pages sign in again. Raises SubdomainNotAllowed,
    SubdomainTaken, LibraryUnknown and InvalidTransition (closed, deleted).
    """
    label = _allowed(subdomain)
    with in_public(), transaction.atomic():
        library = locked_library(library_id)
        if library.status in {rules.CLOSED, rules.DELETED}:
            raise refused(library)
        if library.subdomain == label:
            return library
        _require_free(label, library)
        old, library.subdomain = library.subdomain, label
        library.bump()
        with refused_if_taken(SubdomainTaken):
            library.save(update_fields=["subdomain", "version"])  # type: ignore[no-untyped-call]
        # The index has decided by now; look again at what it does not know.
        require_not_held(label, library_id=library.id)
        FormerSubdomain.objects.filter(subdomain=label).delete()
        FormerSubdomain.objects.create(
            subdomain=old,
            library=library,
            held_until=now + timedelta(days=settings.FORMER_SUBDOMAIN_DAYS),
        )
        note(library, action="library.renamed", by=by, changes={"from": old, "to": label}, now=now)
    return library


def require_not_held(subdomain: str, *, library_id: uuid.UUID) -> None:
    """Refuse a name that another library gave up and still has. Raises SubdomainTaken.

    Call it after the row with the name was written, in the same transaction: who gave the name up has committed then.
    """
    if FormerSubdomain.objects.filter(subdomain=subdomain).exclude(library_id=library_id).exists():
        raise SubdomainTaken


def forget_former_subdomains(*, now: datetime) -> int:
    """Let go of names whose time is up; how many."""
    with in_public():
        return FormerSubdomain.objects.filter(held_until__lte=now).delete()[0]


def _allowed(wanted: str) -> str:
    try:
        return subdomains.normalise(wanted)
    except subdomains.SubdomainRefused as refusal:
        detail = subdomains.explain(refusal.reason)
        raise SubdomainNotAllowed(detail, reason=refusal.reason) from refusal


def _require_free(label: str, library: Library) -> None:
    """A library may have back a name that it gave up, and one that reads like its own."""
    if subdomain_state(label, besides=library.id) != "free":
        raise SubdomainTaken
