"""A scene with fifty rows of everything that its addresses show, and of what is nested in them."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.db import transaction

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.security_events import Kind, security_event
from saas.core.tenancy import in_library, in_public
from shared_apps.accounts.models import User
from shared_apps.accounts.services import start_session
from shared_apps.audit.services import record
from shared_apps.platform.models import Visit
from tenant_apps.access.models import Role
from tenant_apps.catalog.marc import DraftContributor
from tenant_apps.collections.models import Collection
from tests import factories
from tests.permissions.matrix import OWNER
from tests.permissions.scene import PublicScene, Scene

ROWS = 50
SCOPED = "scoped"
KEPT = "kept-by-scoped"


def begin(scene: Scene) -> Scene:
    """The scene with one row of what it lacks, and with the scoped caller.

    That is an account whose roles are held for branches and a collection alone: those that rows of the scene belong to.
    """
    with in_library(scene.library), transaction.atomic():
        user = factories.UserFactory(email=f"{SCOPED}@{scene.library.subdomain}.example")
        kept = factories.CollectionFactory(code=KEPT)
        for scope in ({"branch": scene.copy.home_branch}, {"branch": scene.branch}, {"collection": kept}):
            factories.RoleAssignmentFactory(user=user, role=Role.objects.get(code="admin"), **scope)
        _of_people(scene, scene.user)
        return dataclasses.replace(scene, title=_title(scene, "by one", 1))


def begin_public(scene: PublicScene) -> None:
    """What the public scene lacks to have one row everywhere."""
    with in_public():
        _of_the_platform(scene, 0)


def grow(scene: Scene) -> Scene:
    """The scene with fifty rows of each kind; its title, patron, job, account and so on have fifty of their own."""
    with in_public():
        factories.DomainFactory.create_batch(ROWS, tenant_id=scene.library.id)
    with in_library(scene.library), transaction.atomic():
        _places(scene)
        title = _titles(scene)
        _people(scene)
        _borrowers(scene, title)
        return dataclasses.replace(scene, title=title)


def _places(scene: Scene) -> None:
    factories.BranchFactory.create_batch(ROWS)
    factories.CollectionFactory.create_batch(ROWS)
    factories.PatronCategoryFactory.create_batch(ROWS)
    factories.ItemTypeFactory.create_batch(ROWS)
    factories.LoanRuleFactory.create_batch(ROWS)
    factories.VisitFactory.create_batch(ROWS)
    for number in range(ROWS):
        security_event(Kind.SIGN_IN_REFUSED, address=f"address:198.51.100.{number}", now=factories.NOW)
        record(action="test.done", by=SYSTEM, personal={"note": "N"}, now=factories.NOW)


def _title(scene: Scene, by: str, rows: int) -> Any:
    """A title with so many contributors, subjects, copies and shares, in the collection of the scoped caller."""
    title = factories.TitleFactory(
        title=f"Secret of {scene.library.subdomain}, {by}",
        contributors=[DraftContributor(factories.unique("Writer, Many ")) for _n in range(rows)],
        subjects=[factories.unique("Subject ") for _n in range(rows)],
        collection=Collection.objects.get(code=KEPT),
    )
    for _number in range(rows):
        factories.CopyFactory(title=title)
        factories.TitleShareFactory(content_object=title)
    return title


def _titles(scene: Scene) -> Any:
    for number in range(ROWS):
        title = _title(scene, f"volume {number + 3}", 2)
        factories.ImportRecordFactory(job=scene.job, number=number + 3, title=title)
        factories.ImportJobFactory()
    return _title(scene, "by many", ROWS)


def _people(scene: Scene) -> None:
    for _number in range(ROWS):
        _of_people(scene, factories.RoleAssignmentFactory().user)
        factories.RoleAssignmentFactory(user=scene.user, role=factories.RoleFactory())
        factories.ApiKeyFactory()
        factories.ApiKeyFactory(service_account=scene.service_account)


def _of_people(scene: Scene, user: User) -> None:
    """For the admin, for the member of the scene and for somebody: a role at a branch, a session and so on."""
    admin = User.objects.get(email=f"admin@{scene.library.subdomain}.example")
    branch = factories.BranchFactory()
    for person in {admin, scene.user, user}:
        factories.RoleAssignmentFactory(user=person, branch=branch)
        factories.LinkedIdentityFactory(user=person)
        start_session(user=person, now=clock.now())
    factories.InvitationFactory(branch=branch)


def _borrowers(scene: Scene, title: Any) -> None:
    factories.CardFactory.create_batch(ROWS, patron=scene.patron)
    for _number in range(ROWS):
        factories.LoanFactory(card=scene.card, copy__title=title)
        factories.LoanFactory()


def grow_public(scene: PublicScene) -> PublicScene:
    """The public scene with fifty rows of each kind."""
    with in_public(), transaction.atomic():
        for number in range(1, ROWS):
            factories.DomainFactory(tenant_id=factories.LibraryRowFactory().pk)
            factories.DomainFactory(tenant_id=scene.library.pk)
            factories.DeletionRequestFactory(requested_by=scene.staff)
            factories.StaffRoleFactory()
            _of_the_platform(scene, number)
    return scene


def _of_the_platform(scene: PublicScene, number: int) -> None:
    visit = {
        "reason": "Ticket 118",
        "access": "read",
        "started_at": factories.NOW,
        "expires_at": factories.NOW,
    }
    Visit.objects.create(library=scene.visited, staff=scene.staff, **visit)
    start_session(user=scene.members[OWNER], now=clock.now())
    scene.members[OWNER].refresh_from_db()  # links to a new password depend on the last sign-in
    security_event(Kind.SIGN_IN_REFUSED, address=f"address:198.51.100.{number}", now=factories.NOW)
    record(action="test.done", by=SYSTEM, personal={"note": "N"}, now=factories.NOW)
