"""A library's own domains: claimed by anybody, proven by a TXT record, looked at again every day.

A name leads to the library that has proven it last: the record is in the hands of whoever runs the name's DNS, so a
proof by another library is that person's will. Who has lost a name gets a new token, so that an old record that was
left standing does not take it back. The DNS is never asked inside a transaction.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from saas.core.errors import NotFound
from saas.core.principals import SYSTEM, Actor
from saas.core.tenancy import in_public
from shared_apps.tenants import domain_names, txt_records
from shared_apps.tenants.errors import (
    DnsUnavailable,
    DomainAdded,
    DomainLimit,
    DomainNotAllowed,
    DomainNotProven,
)
from shared_apps.tenants.models import Domain
from shared_apps.tenants.services.lifecycle import locked_library, note

log = structlog.get_logger(__name__)
UNANSWERED, MISSING = "dns_unavailable", "domain_not_proven"


def add_domain(*, library_id: uuid.UUID, domain: str, by: Actor, now: datetime) -> Domain:
    """Put a domain into a library's list, not proven yet. Raises DomainNotAllowed, DomainAdded and DomainLimit.

    One that another library has proven may be added too: nobody is told whose it is, and the DNS decides.
    """
    name = _allowed(domain)
    with in_public(), transaction.atomic():
        library = locked_library(library_id)
        if library.domains.filter(domain=name).exists():
            raise DomainAdded
        if library.domains.count() >= settings.DOMAINS_PER_LIBRARY:
            raise DomainLimit(limit=settings.DOMAINS_PER_LIBRARY)
        row = Domain.objects.create(
            tenant=library, domain=name, token=domain_names.new_token(), created_at=now
        )
        _note(row, "domain.added", by, now)
    return row


def verify_domain(*, library_id: uuid.UUID, domain_id: int, by: Actor, now: datetime) -> Domain:
    """Look for the proof now. Raises NotFound, DomainNotProven and DnsUnavailable; what is proven stays so."""
    row = _domain_of(library_id, domain_id)
    try:
        texts = txt_records.texts_of(domain_names.proof_name(row.domain))
    except txt_records.NoAnswer as error:
        _note_check(row, UNANSWERED, now)
        raise DnsUnavailable from error
    if not domain_names.proves(texts, row.token):
        _note_check(row, MISSING, now)
        raise DomainNotProven(_not_found_text(row, texts), found=len(texts))
    return _prove(row, by, now)


def remove_domain(*, library_id: uuid.UUID, domain_id: int, by: Actor, now: datetime) -> None:
    """Take a domain out of a library's list; it leads nowhere then. Raises NotFound."""
    with in_public(), transaction.atomic():
        locked_library(library_id)
        row = _domain_of(library_id, domain_id)
        _note(row, "domain.removed", by, now)
        row.delete()


def domains_to_check(*, now: datetime, limit: int = 100) -> list[int]:
    """Ids of proven domains that nobody has looked at for settings.DOMAIN_CHECK_HOURS, the longest waiting first."""
    before = now - timedelta(hours=settings.DOMAIN_CHECK_HOURS)
    with in_public():
        due = Domain.objects.filter(proven_at__isnull=False, checked_at__lte=before)
        return list(due.order_by("checked_at").values_list("id", flat=True)[:limit])


def check_domain(*, domain_id: int, now: datetime) -> None:
    """Look for the proof of a proven domain again; without it for settings.DOMAIN_GRACE_DAYS the domain lapses.

    Name servers that do not answer prove nothing either way: their silence may be ours. A row that is gone is no error.
    """
    with in_public():
        row = Domain.objects.filter(pk=domain_id, proven_at__isnull=False).first()
    if row is None:
        return
    try:
        texts = txt_records.texts_of(domain_names.proof_name(row.domain))
    except txt_records.NoAnswer:
        _note_check(row, UNANSWERED, now)
        return
    if domain_names.proves(texts, row.token):
        _note_check(row, "", now)
    else:
        _miss(row, now)


def _domain_of(library_id: uuid.UUID, domain_id: int) -> Domain:
    with in_public():
        row = Domain.objects.select_related("tenant").filter(pk=domain_id, tenant_id=library_id).first()
    if row is None:
        raise NotFound
    return row


def _allowed(wanted: str) -> str:
    try:
        return domain_names.normalise(wanted)
    except domain_names.DomainRefused as refusal:
        texts = {
            "not_a_domain": _("Write a domain name such as catalogue.example.org."),
            "too_long": _("This name is too long."),
            "ip_address": _("Write a name, not an IP address."),
            "ours": _("This name belongs to LibraryHub. Write one of your own."),
            "not_public": _("This name cannot be reached from the internet."),
        }
        raise DomainNotAllowed(texts[refusal.reason], reason=refusal.reason) from refusal


def _not_found_text(row: Domain, texts: list[str]) -> str:
    name = domain_names.proof_name(row.domain)
    if not texts:
        return _("There is no TXT record at %(name)s yet. New records may take an hour to be seen.") % {
            "name": name
        }
    return _("The TXT record at %(name)s says something else.") % {"name": name}


def _prove(found: Domain, by: Actor, now: datetime) -> Domain:
    with in_public(), transaction.atomic():
        # All rows of the name, in one order: of two that prove it at once, one is first and loses it to the other.
        rows = list(
            Domain.objects.select_for_update(of=("self",))
            .select_related("tenant")
            .filter(domain=found.domain)
            .order_by("pk")
        )
        row = next((one for one in rows if one.pk == found.pk and one.token == found.token), None)
        if row is None:
            raise NotFound  # removed, or lost to another library, while the DNS was asked
        for other in rows:
            if other.pk != row.pk and other.proven_at is not None:
                _lose(other, "domain.moved_away", now)
        is_new = row.proven_at is None
        row.proven_at, row.checked_at = row.proven_at or now, now
        row.missing_since, row.last_problem = None, ""
        row.save(update_fields=["proven_at", "checked_at", "missing_since", "last_problem"])
        if is_new:
            _note(row, "domain.proven", by, now)
    return row


def _lose(row: Domain, action: str, now: datetime) -> None:
    row.proven_at = row.missing_since = None
    row.token, row.checked_at, row.last_problem = domain_names.new_token(), now, MISSING
    row.save(update_fields=["proven_at", "missing_since", "token", "checked_at", "last_problem"])
    _note(row, action, SYSTEM, now)


def _miss(found: Domain, now: datetime) -> None:
    with in_public(), transaction.atomic():
        row = (
            Domain.objects.select_for_update(of=("self",))
            .select_related("tenant")
            .filter(pk=found.pk, token=found.token, proven_at__isnull=False)
            .first()
        )
        if row is None:
            return  # removed, or moved, while the DNS was asked
        row.missing_since = row.missing_since or now
        if row.missing_since + timedelta(days=settings.DOMAIN_GRACE_DAYS) <= now:
            _lose(row, "domain.lapsed", now)
            log.warning("domain.lapsed", domain=row.domain, library=row.tenant.subdomain)
            return
        row.checked_at, row.last_problem = now, MISSING
        row.save(update_fields=["missing_since", "checked_at", "last_problem"])


def _note_check(row: Domain, problem: str, now: datetime) -> None:
    values: dict[str, object] = {"checked_at": now, "last_problem": problem}
    if not problem:
        values["missing_since"] = None
    with in_public():
        Domain.objects.filter(pk=row.pk, token=row.token).update(**values)


def _note(row: Domain, action: str, by: Actor, now: datetime) -> None:
    # A person of the library has a number there, which means nobody in the public log.
    actor = replace(by, label=row.tenant.subdomain) if by.kind == "person" else by
    note(row.tenant, action=action, by=actor, changes={"domain": row.domain}, now=now)
