"""Making and changing branches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict

from django.db import transaction
from django.utils.translation import gettext as _

from saas.core.db.integrity import refused_if_taken
from saas.core.errors import NotFound
from saas.core.principals import Actor
from saas.core.seeding import LibrarySeed
from shared_apps.audit import services as audit
from tenant_apps.branches.errors import BranchCodeTaken
from tenant_apps.branches.models import Branch

MAIN = "main"


class BranchChanges(TypedDict, total=False):
    """What may change in a branch. Its code may not: loans, rules and clients name it by that."""

    name: str
    time_zone: str


def create_branch(*, code: str, name: str, time_zone: str, by: Actor, now: datetime) -> Branch:
    """Open a branch. `time_zone` is an IANA name. Raises BranchCodeTaken."""
    branch = Branch(code=code, name=name, time_zone=time_zone)
    with transaction.atomic():
        with refused_if_taken(BranchCodeTaken):
            branch.save(force_insert=True)
        changes = {"code": code, "name": name, "time_zone": time_zone}
        audit.record(action="branch.created", target=branch, by=by, changes=changes, now=now)
    return branch


def update_branch(
    *,
    branch_id: int,
    changes: BranchChanges,
    by: Actor,
    now: datetime,
    expect: Callable[[Branch], None] | None = None,
) -> Branch:
    """Change a branch's name or time zone; a change that changes nothing leaves the version as it is.

    `expect` is called with the locked row and raises if the caller saw another version. Loans that are out
    keep the due time they were given: it is stored in UTC. Raises NotFound.
    """
    with transaction.atomic():
        branch = Branch.objects.select_for_update(no_key=True).filter(pk=branch_id).first()
        if branch is None:
            raise NotFound
        if expect is not None:
            expect(branch)
        changed = {field: value for field, value in changes.items() if getattr(branch, field) != value}
        if not changed:
            return branch
        entry = {field: [getattr(branch, field), value] for field, value in changed.items()}
        for field, value in changed.items():
            setattr(branch, field, value)
        branch.bump()
        branch.save(update_fields=[*changed, "version"])
        audit.record(action="branch.changed", target=branch, by=by, changes=entry, now=now)
    return branch


def prepare_library(using: str) -> None:
    """Give a new schema its first branch, `main`."""
    Branch.objects.using(using).bulk_create([Branch(code=MAIN, name=_("Main"), time_zone="UTC")])


def seed_library(seed: LibrarySeed) -> None:
    """Put the branch `main` into the library's own time zone and language."""
    Branch.objects.filter(code=MAIN).update(name=_("Main"), time_zone=seed.time_zone)
