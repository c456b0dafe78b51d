"""Reading members and invitations, as far as the caller manages them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q, QuerySet

from saas.core import clock
from saas.core.errors import NotFound
from saas.core.principals import Principal
from shared_apps.accounts import selectors as accounts
from shared_apps.accounts.services import User
from tenant_apps.access import selectors as access
from tenant_apps.members import rules
from tenant_apps.members.models import Invitation

MANAGE = "members.manage"
_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
_MEMBER_STATES: Mapping[str, Q] = {
    rules.ACTIVE: Q(is_active=True),
    rules.DEACTIVATED: Q(is_active=False, awaiting_approval=False),
    rules.AWAITING_APPROVAL: Q(is_active=False, awaiting_approval=True),
}


def members_managed_by(principal: Principal) -> QuerySet[User]:
    """The people whom the caller manages: all, or those with a role at their branches or for their collections.

    Who was erased is nobody's member any more.
    """
    people = accounts.users().filter(erased_at=None)
    scope = _scope(principal, "role_assignments__")
    return people if scope is None else people.filter(pk__in=accounts.users().filter(scope).values("pk"))


def with_details(people: QuerySet[User]) -> QuerySet[User]:
    """Add the roles and `has_second_factor` of each, in a number of queries that does not grow."""
    factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=_FACTORS)
    roles = ("role_assignments__role", "role_assignments__branch", "role_assignments__collection")
    return people.annotate(has_second_factor=Exists(factors)).prefetch_related(*roles)


def matching_members(people: QuerySet[User], wanted: Mapping[str, str]) -> QuerySet[User]:
    """Keep those who match every filter: `role`, `branch` and `collection` by code, `state`, and `search`."""
    held = {name: wanted[name] for name in ("role", "branch", "collection") if name in wanted}
    if held:
        # In one condition: the role and the branch of the same assignment.
        holds = {f"role_assignments__{name}__code": code for name, code in held.items()}
        people = people.filter(pk__in=accounts.users().filter(**holds).values("pk"))
    if "state" in wanted:
        people = people.filter(_MEMBER_STATES[wanted["state"]])
    text = wanted.get("search", "").strip()
    return people.filter(Q(name__icontains=text) | Q(email__icontains=text)) if text else people


def invitations_managed_by(principal: Principal) -> QuerySet[Invitation]:
    """The invitations that the caller manages: all, or those for their branches or collections."""
    rows = Invitation.objects.select_related("role", "branch", "collection")
    scope = _scope(principal, "")
    return rows if scope is None else rows.filter(scope)


def invitations_in(rows: QuerySet[Invitation], state: str) -> QuerySet[Invitation]:
    """Keep the invitations in one of rules.STATES."""
    if state == rules.ACCEPTED:
        return rows.filter(accepted_at__isnull=False)
    rows = rows.filter(accepted_at=None)
    if state == rules.REVOKED:
        return rows.filter(revoked_at__isnull=False)
    rows, now = rows.filter(revoked_at=None), clock.now()
    return rows.filter(expires_at__lte=now) if state == rules.EXPIRED else rows.filter(expires_at__gt=now)


def invitation_for(token: str) -> Invitation | None:
    """The invitation that a mailed token belongs to, however it stands; None for any other text."""
    if not token or len(token) > rules.MAX_TOKEN_LENGTH:
        return None
    rows = Invitation.objects.select_related("role", "branch", "collection")
    return rows.filter(token_digest__in=rules.digests_of(token)).first()


def has_account(invitation: Invitation) -> bool:
    """Whether the invited address has an account here; for whoever holds the link alone."""
    return accounts.user_with_email(invitation.email) is not None


def manager(user_id: int | None) -> Principal:
    """What somebody who has invited may do now. Raises NotFound for one who is gone."""
    if user_id is None:
        raise NotFound
    return access.load_principal(user_id)


def _scope(principal: Principal, path: str) -> Q | None:
    branches, collections = principal.branches_for(MANAGE), principal.collections_for(MANAGE)
    if branches is None or collections is None:
        return None
    inside: dict[str, Any] = {f"{path}branch__in": branches}
    return Q(**inside) | Q(**{f"{path}collection__in": collections})
