"""The mail to the admins, and the end of what is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.utils import translation
from django.utils.translation import gettext as _

from saas.core import clock
from saas.core.security_events import Contact, Kind
from saas.core.tasks import in_each_library, public_task
from saas.core.tenancy import current_library_or_none, in_public
from shared_apps.delivery.ports import open_libraries
from shared_apps.delivery.services import handles
from shared_apps.security import rules, selectors, services
from shared_apps.security.models import SecurityEvent


@handles(services.ALERT)
def mail_alert(payload: dict[str, Any]) -> None:
    """Mail what happened to each admin, in their language. Raises what the mail server answers, to be tried again."""
    kind = Kind(payload["kind"])
    total, latest = selectors.hour_before(datetime.fromisoformat(payload["at"]), kind=kind.value)
    for contact in services.contacts():
        with translation.override(contact.language or settings.LANGUAGE_CODE):
            subject, text = _message(kind, total, latest)
            _send(contact, subject, text)


def _message(kind: Kind, total: int, latest: list[SecurityEvent]) -> tuple[str, str]:
    library = current_library_or_none()
    site = library.name if library is not None else "LibraryHub"
    subject = _("Security at %(site)s: %(what)s") % {"site": site, "what": rules.TITLES[kind]}
    text = _(
        "%(what)s.\n\n"
        "Within the last hour: %(count)d. The latest, with times in UTC:\n\n"
        "%(events)s\n\n"
        "The list of security events has the rest. More of the same within this hour is not mailed again.\n"
    ) % {"what": rules.TITLES[kind], "count": total, "events": "\n".join(map(_line, latest))}
    return subject, text


def _line(event: SecurityEvent) -> str:
    parts = [event.at.strftime("%Y-%m-%d %H:%M:%S"), event.address.removeprefix("address:")]
    if event.user_id is not None:
        parts.append(_("account %(id)d") % {"id": event.user_id})
    return "  ".join(part for part in parts if part)


def _send(contact: Contact, subject: str, text: str) -> None:
    send_mail(" ".join(subject.split()), text, None, [contact.email])


@public_task(name="security.purge")
def purge() -> None:
    """Delete events past their time in every library and on the public site; every hour."""
    now = clock.now()
    with in_public():
        services.purge(now=now)
    in_each_library(open_libraries(), lambda: services.purge(now=now))
