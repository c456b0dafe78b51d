"""Accounts that hold a role at one branch alone."""

from __future__ import annotations

from typing import Any

from saas.core.principals import SYSTEM
from tenant_apps.access.services import create_member
from tests.tenant_apps.circulation.factories import NOW


def librarian_at(branch: str, *, role: str = "librarian") -> Any:
    """A user of the current library with a role at one branch."""
    return create_member(
        email=f"{role}-{branch}@staff.example",
        name=f"{role} at {branch}",
        password="correct-horse-battery",
        role=role,
        branch=branch,
        now=NOW,
        by=SYSTEM,
    )
