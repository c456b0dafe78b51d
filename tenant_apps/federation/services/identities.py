"""Whom a proved identity is: an account that it is linked to, one that may be linked by its owner, or a new one.

An address never signs anybody in. It is how an owner is found who may say yes, with the password, and how a new account
gets its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction

from saas.core.db.integrity import refused_if_taken
from saas.core.errors import NotFound
from saas.core.principals import Actor
from saas.core.security_events import Kind, security_event
from shared_apps.accounts import selectors as accounts
from shared_apps.accounts import services as account_services
from shared_apps.accounts.services import notices
from shared_apps.audit import services as audit
from tenant_apps.federation import tickets
from tenant_apps.federation.errors import (
    AccountExists,
    AddressNotAllowed,
    AddressNotVerified,
    FlowInvalid,
    IdentityTaken,
    LastWayIn,
)
from tenant_apps.federation.models import IdentityProvider, LinkedIdentity
from tenant_apps.federation.rules import Proved, is_of_domains

log = structlog.get_logger("libraryhub.security")
LINK = "link"


@dataclass(frozen=True, slots=True)
class WaitingLink:
    """A link that its owner may confirm: the provider's name and the account that it is for."""

    provider: str
    user_id: int


def user_of(*, provider: IdentityProvider, proved: Proved, binding: str, language: str, now: datetime) -> int:
    """The id of the account that this identity is linked to, or of one that is made for it.

    Raises AddressNotVerified, AddressNotAllowed, RegistrationClosed, and AccountExists where the verified address is
    an account's: nothing is written then, and whoever holds `binding` may let the owner confirm the link.
    """
    with transaction.atomic():
        known = LinkedIdentity.objects.filter(issuer=proved.issuer, subject=proved.subject)
        identity = known.select_for_update(no_key=True).first()
        if identity is not None:
            identity.last_used_at = now
            identity.save(update_fields=["last_used_at"])
            return identity.user_id
        email = _usable_address(provider, proved)
        owner = accounts.user_with_email(email)
        if owner is None:
            return _registered(provider, proved, email, language, now)
    _let_owner_link(provider, proved, owner.pk, binding)
    log.info("identity_of_existing_account", provider=provider.code, user_id=owner.pk)
    raise AccountExists(link_token=binding)


def waiting_link(token: str) -> WaitingLink | None:
    """What this token would link, None for one that is unknown, used or too old."""
    waiting = tickets.look(LINK, token)
    if waiting is None:
        return None
    provider = IdentityProvider.objects.filter(pk=waiting["provider"], enabled=True).first()
    return None if provider is None else WaitingLink(provider.name, waiting["user"])


def confirm_link(*, user_id: int, token: str, by: Actor, now: datetime) -> LinkedIdentity:
    """Link what a provider has proved to the signed-in owner of its address, who has said yes and is told by mail.

    Raises FlowInvalid for a token that is another account's, used or too old, and IdentityTaken.
    """
    waiting = tickets.look(LINK, token)
    if waiting is None or waiting["user"] != user_id or not tickets.spend(LINK, token):
        raise FlowInvalid
    provider = IdentityProvider.objects.filter(pk=waiting["provider"], enabled=True).first()
    if provider is None:
        raise FlowInvalid
    with transaction.atomic():
        identity = _link(provider, waiting["issuer"], waiting["subject"], user_id, by=by, now=now)
        notices.publish(notices.IDENTITY_LINKED, user=identity.user, now=now)
    return identity


def unlink(*, user_id: int, identity_id: int, by: Actor, now: datetime) -> None:
    """Take away an identity of the signed-in user. Raises NotFound, and LastWayIn."""
    with transaction.atomic():
        # Both of two identities could be taken away at once: the account's row is what they wait for.
        user = accounts.users().select_for_update(no_key=True).filter(pk=user_id).first()
        identity = (
            LinkedIdentity.objects.filter(user=user_id, pk=identity_id).select_related("provider").first()
        )
        if user is None or identity is None:
            raise NotFound
        others = LinkedIdentity.objects.filter(user=user_id, provider__enabled=True).exclude(pk=identity_id)
        if not user.has_usable_password() and not others.exists():
            raise LastWayIn
        changes = {"provider": identity.provider.code, "user": user_id}
        audit.record(action="identity.unlinked", target=identity, by=by, changes=changes, now=now)
        identity.delete()


def erase_account(*, user_id: int, by: Actor, now: datetime) -> None:
    """Forget what providers call a person who is erased (settings.ACCOUNT_ERASERS), in the caller's transaction."""
    gone, _by_model = LinkedIdentity.objects.filter(user=user_id).delete()
    if gone:
        audit.record(action="identity.erased", by=by, changes={"user": user_id, "rows": gone}, now=now)


def _usable_address(provider: IdentityProvider, proved: Proved) -> str:
    if proved.email is None:
        raise AddressNotVerified
    if not is_of_domains(proved.email, provider.email_domains):
        raise AddressNotAllowed
    return proved.email


def _registered(provider: IdentityProvider, proved: Proved, email: str, language: str, now: datetime) -> int:
    by = Actor(kind="system", label=f"identity provider {provider.code}")
    user = account_services.register_proved(email=email, name=proved.name, language=language, by=by, now=now)
    _link(provider, proved.issuer, proved.subject, user.pk, by=by, now=now)
    return user.pk


def _let_owner_link(provider: IdentityProvider, proved: Proved, user_id: int, binding: str) -> None:
    tickets.keep(
        LINK,
        binding,
        {
            "provider": provider.pk,
            "issuer": proved.issuer,
            "subject": proved.subject,
            "user": user_id,
        },
    )


def _link(
    provider: IdentityProvider, issuer: str, subject: str, user_id: int, *, by: Actor, now: datetime
) -> LinkedIdentity:
    identity = LinkedIdentity(
        provider=provider,
        issuer=issuer,
        subject=subject,
        user_id=user_id,
        created_at=now,
        last_used_at=now,
    )
    with refused_if_taken(IdentityTaken):
        identity.save(force_insert=True)
    changes = {"provider": provider.code, "user": user_id}
    security_event(
        Kind.IDENTITY_LINKED, user_id=user_id, by=by, now=now, provider=provider.code, issuer=issuer
    )
    audit.record(
        action="identity.linked",
        target=identity,
        by=by,
        changes=changes,
        personal={"subject": subject},
        now=now,
    )
    return identity
