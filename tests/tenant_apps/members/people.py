"""Managers and members with roles of their own, and the links that are mailed to those who are invited."""

from __future__ import annotations

from typing import Any

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from tenant_apps.access.models import Role
from tenant_apps.access.services import assign_role
from tenant_apps.members.models import Invitation
from tenant_apps.members.rules import token_for
from tests import factories

MEMBERS, INVITATIONS, ACCEPT = "/api/v1/members/", "/api/v1/invitations/", "/api/v1/invitations/accept/"
PASSWORD = "seven wild ponies sing"
# What it takes to manage the people of a branch and to give them the role of a librarian there.
MANAGER = ("members.manage", "roles.manage")


def role_with(*permissions: str) -> Role:
    """A role of the current library with these permissions."""
    return Role.objects.create(code=factories.unique("role"), name="Role", permissions=list(permissions))


def member(library: Any, *grants: tuple[tuple[str, ...], dict[str, str]]) -> User:
    """A member with a role for each pair of permissions and scope."""
    with in_library(library):
        user: User = factories.UserFactory()
        for permissions, scope in grants:
            role = role_with(*permissions)
            assign_role(user_id=user.pk, role=role.code, by=SYSTEM, now=clock.now(), **scope)
        return user


def standard(library: Any, role: str) -> User:
    """The standard account of a role."""
    with in_library(library):
        return User.objects.get(email=f"{role}@{library.subdomain}.example")


def link_of(library: Any, invitation_id: Any) -> str:
    """The token that is in the newest mail of an invitation."""
    with in_library(library):
        return token_for(Invitation.objects.get(pk=invitation_id).token_nonce)


def state_of(library: Any, invitation_id: Any) -> tuple[bool, bool]:
    """Whether an invitation is accepted, and whether it is revoked."""
    with in_library(library):
        row = Invitation.objects.get(pk=invitation_id)
    return row.accepted_at is not None, row.revoked_at is not None
