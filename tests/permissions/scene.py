"""One of everything in one library: what the example requests name and what another library must not reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

from saas.core import clock
from saas.core.security_events import Kind, security_event
from saas.core.tenancy import in_library, in_public
from shared_apps.accounts.models import User
from shared_apps.accounts.services import start_session
from shared_apps.platform.rules import ROLES
from shared_apps.tenants.models import Library
from tests import factories
from tests.authenticators import passkey_of
from tests.permissions.matrix import ANONYMOUS, OPERATOR


@dataclass(frozen=True)
class Scene:
    """Rows of one library, and who is calling (a standard role, or "anonymous")."""

    library: Any
    branch: Any
    collection: Any
    category: Any
    item_type: Any
    title: Any
    share: Any
    copy: Any
    loan: Any
    patron: Any
    card: Any
    rule: Any
    job: Any
    queued_job: Any
    record: Any
    user: Any
    role: Any
    assignment: Any
    domain: Any
    provider: Any
    identity: Any
    session: Any
    applicant: Any
    invitation: Any
    service_account: Any
    api_key: Any
    visit: Any
    caller: str = ANONYMOUS

    @property
    def account(self) -> User:
        """The caller's own account; the reader's where nobody is signed in."""
        return self._account("reader" if self.caller == ANONYMOUS else self.caller)

    @property
    def passkey(self) -> Authenticator:
        """A passkey of the caller's own, with recovery codes; an admin's where nobody is signed in."""
        with in_library(self.library):
            return passkey_of(self._account("admin" if self.caller == ANONYMOUS else self.caller))

    def _account(self, role: str) -> User:
        with in_library(self.library):
            return User.objects.get(email=f"{role}@{self.library.subdomain}.example")


@dataclass(frozen=True)
class PublicScene:
    """Rows of the public site, and who is calling (a role of the matrix). `visited` is a library with a schema."""

    library: Any
    visited: Any
    closed_library: Any
    deletion: Any
    members: dict[str, Any]
    staff: Any
    operator: Any
    sign_up: Any
    used_sign_up: Any
    caller: str = ANONYMOUS

    @property
    def account(self) -> User:
        """The caller's own account; a member of staff's where nobody is signed in."""
        user: User = self.operator if self.caller == OPERATOR else self.members.get(self.caller, self.staff)
        return user


def build_scene(library: Any) -> Scene:
    """Make the rows of a library: two of each kind that a list shows, so that lists have a second page."""
    with in_public():
        domain = factories.DomainFactory(tenant_id=library.id)
    with in_library(library), transaction.atomic():
        branch, _other = factories.BranchFactory.create_batch(2)
        collection, _other = factories.CollectionFactory.create_batch(2)
        category, _other = factories.PatronCategoryFactory.create_batch(2)
        item_type, _other = factories.ItemTypeFactory.create_batch(2)
        title = factories.TitleFactory(
            title=f"Secret of {library.subdomain}", contributors=(), subjects=("Islands",)
        )
        factories.TitleFactory(title=f"Secret of {library.subdomain}, volume 2")
        card = factories.CardFactory(number=factories.unique(f"C-{library.subdomain}-"))
        loan, _second, _of_another = [
            *(factories.LoanFactory(card=card, copy__title=title) for _ in range(2)),
            factories.LoanFactory(),
        ]
        job = factories.ImportJobFactory()
        record, _other = [
            factories.ImportRecordFactory(job=job, number=number, title=title) for number in (1, 2)
        ]
        for number in (1, 2):
            security_event(Kind.SIGN_IN_REFUSED, address=f"address:192.0.2.{number}", now=factories.NOW)
        assignment = factories.RoleAssignmentFactory()
        provider, _other = factories.IdentityProviderFactory.create_batch(2)
        invitation, _other = factories.InvitationFactory.create_batch(2)
        api_key, _other = factories.ApiKeyFactory.create_batch(2)
        visit, _other = factories.VisitFactory.create_batch(2)
        return Scene(
            library=library,
            branch=branch,
            collection=collection,
            category=category,
            item_type=item_type,
            title=title,
            share=factories.TitleShareFactory.create_batch(2, content_object=title)[0],
            copy=factories.CopyFactory(title=title),
            loan=loan,
            patron=card.patron,
            card=card,
            rule=factories.LoanRuleFactory(branch=branch),
            job=job,
            queued_job=factories.ImportJobFactory(state="queued", started_at=None, finished_at=None),
            record=record,
            user=assignment.user,
            role=factories.RoleFactory(),
            assignment=assignment,
            domain=domain,
            provider=provider,
            identity=factories.LinkedIdentityFactory(provider=provider),
            session=_session_of_admin(library),
            applicant=factories.UserFactory(is_active=False, awaiting_approval=True),
            invitation=invitation,
            service_account=api_key.service_account,
            api_key=api_key,
            visit=visit,
        )


def _session_of_admin(library: Any) -> Any:
    admin = User.objects.get(email=f"admin@{library.subdomain}.example")
    start_session(user=admin, now=clock.now())  # (a list of one has no second page)
    return admin.sessions.get(sid=start_session(user=admin, now=clock.now()).session)


def build_public_scene() -> PublicScene:
    """Make two members of the platform's staff, a library, a sign-up that waits and one whose link was used."""
    with in_public(), transaction.atomic():
        staff = factories.UserFactory(email=f"{factories.unique('staff')}@platform.example", is_staff=True)
        return PublicScene(
            library=factories.LibraryRowFactory(),
            visited=Library.objects.get(subdomain="north"),
            closed_library=factories.ClosedLibraryFactory(),
            deletion=factories.DeletionRequestFactory(requested_by=staff),
            members={role: factories.StaffRoleFactory(role=role).user for role in ROLES},
            staff=staff,
            operator=factories.UserFactory(
                email=f"{factories.unique('operator')}@platform.example", is_staff=True, is_superuser=True
            ),
            sign_up=factories.SignUpFactory(),
            used_sign_up=factories.SignUpFactory(status="verified", password_hash=""),
        )
