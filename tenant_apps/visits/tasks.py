"""What follows from visits outside the library's schema: mails to its admins, and the platform's own record."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from saas.core.tenancy import current_library
from shared_apps.accounts import selectors as accounts
from shared_apps.audit import selectors as audit
from shared_apps.delivery.services import handles
from shared_apps.platform import services as platform
from tenant_apps.visits import selectors
from tenant_apps.visits.services import BEGAN_MAIL, ENDED, REQUESTED


@handles(BEGAN_MAIL)
def tell_admin(payload: dict[str, Any]) -> None:
    """Mail one admin who is visiting, why and until when. May run twice: both mails have the same Message-ID."""
    visit = selectors.visits().filter(pk=payload["visit"]).first()
    admin = accounts.users().filter(pk=payload["user"], is_active=True).first()
    if visit is None or admin is None:
        return
    library = current_library()
    with translation.override(admin.language or library.language):
        subject = _("The platform's staff is visiting %(library)s") % {"library": library.name}
        text = _(
            "Hello %(name)s,\n\n"
            "%(staff)s of the platform's staff has entered %(library)s.\n\n"
            "Reason: %(reason)s\n"
            "Until: %(until)s UTC\n"
            "They may: %(access)s\n\n"
            "You see each of their requests in the audit log, and can end the visit at any time"
            " (POST /api/v1/visits/%(id)s/end/).\n"
        ) % {
            "name": admin.get_full_name(),
            "staff": visit.staff_name,
            "library": library.name,
            "reason": visit.reason,
            "until": f"{visit.expires_at:%Y-%m-%d %H:%M}",
            "access": _("look and change") if visit.access == "write" else _("look, and change nothing"),
            "id": visit.pk,
        }
        headers = {
            "Message-ID": f"<visit-{visit.pk}-{admin.pk}@{library.primary_host}>",
            "Auto-Submitted": "auto-generated",
        }
        EmailMessage(" ".join(subject.split()), text, to=[admin.email], headers=headers).send()


@handles(ENDED)
def tell_platform_of_the_end(payload: dict[str, Any]) -> None:
    """Note on the public site that a visit was ended here; may run twice."""
    visit = selectors.visits().filter(pk=payload["visit"]).first()
    if visit is not None and visit.ended_at is not None:
        platform.note_end(visit_id=visit.pk, ended_by=visit.ended_by, now=visit.ended_at)


@handles(REQUESTED)
def copy_request_to_platform(payload: dict[str, Any]) -> None:
    """Write an entry of a visit's request into the platform's log; may run twice."""
    entry = audit.entries().get(pk=payload["entry"])
    platform.note_request(
        visit_id=uuid.UUID(entry.target_id),
        entry_id=entry.pk,
        changes=entry.changes,
        caused_by=entry.request_id,
        now=entry.at,
    )
