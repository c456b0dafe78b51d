"""The permissions of platform staff and the four roles that hold them: fixed by the release. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

VIEW, MANAGE = "platform.view", "platform.libraries.manage"
BILLING_VIEW, BILLING_MANAGE = "platform.billing.view", "platform.billing.manage"
VISIT, STAFF_MANAGE = "platform.visit", "platform.staff.manage"
AUDIT, AUDIT_PERSONAL = "platform.audit", "platform.audit.personal"
DELETION_REQUEST, DELETION_APPROVE = "platform.deletion.request", "platform.deletion.approve"

PERMISSIONS: Final[Mapping[str, Promise]] = MappingProxyType(
    {
        VIEW: _("See the libraries and the state of their schemas"),
        MANAGE: _("Suspend, resume, restrict, close and restore libraries"),
        BILLING_VIEW: _("See subscriptions and invoices"),
        BILLING_MANAGE: _("Change plans, extend trials, repeat Stripe's events"),
        VISIT: _("Enter a library for a time"),
        AUDIT: _("Read the platform's audit log"),
        AUDIT_PERSONAL: _("See the personal values in the platform's audit log"),
        STAFF_MANAGE: _("Invite staff, give and take their roles"),
        DELETION_REQUEST: _("Ask for the deletion of a closed library, and withdraw it"),
        DELETION_APPROVE: _("Approve the deletion that somebody else asked for"),
    }
)

SUPPORT, BILLING, OPERATIONS, OWNER = "support", "billing", "operations", "owner"
ROLES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        SUPPORT: frozenset({VIEW, BILLING_VIEW, VISIT, AUDIT}),
        BILLING: frozenset({VIEW, BILLING_VIEW, BILLING_MANAGE}),
        OPERATIONS: frozenset({VIEW, MANAGE, VISIT, AUDIT, AUDIT_PERSONAL, DELETION_REQUEST}),
        OWNER: frozenset(PERMISSIONS),
    }
)

# A visit ends after so many minutes at the latest.
MAX_VISIT_MINUTES: Final = 60
READ, WRITE = "read", "write"
# Somebody else has so long to approve a deletion.
DELETION_LIFETIME: Final = timedelta(days=7)
PENDING, APPROVED, REJECTED, EXPIRED = "pending", "approved", "rejected", "expired"


def effective_roles(*, is_staff: bool, is_superuser: bool, stored: Iterable[str]) -> tuple[str, ...]:
    """The roles of a user of the public site, in the order of ROLES: a superuser (`createsuperuser`) is an owner."""
    held = {*stored, *([OWNER] if is_superuser else [])}
    return tuple(role for role in ROLES if role in held) if is_staff else ()


def permissions_of(roles: Iterable[str]) -> frozenset[str]:
    """What these roles allow together."""
    return frozenset[str]().union(*(ROLES[role] for role in roles))


def deletion_state(state: str, *, expires_at: datetime, now: datetime) -> str:
    """The state of a request for deletion now: one that nobody decided in time has expired."""
    return EXPIRED if state == PENDING and expires_at <= now else state
