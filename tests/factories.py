"""Rows for tests, made in whichever library is current. Each has what its table asks for and a name of its own."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import uuid
from typing import Any

import factory
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Permission
from factory.django import DjangoModelFactory

from saas.core import clock
from saas.core.principals import SYSTEM
from shared_apps.accounts.models import User
from shared_apps.platform.models import DeletionRequest, StaffRole
from shared_apps.signup import tokens
from shared_apps.signup.models import SignUp
from shared_apps.tenants.models import Domain, Library
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.branches.models import Branch
from tenant_apps.catalog import services as catalog
from tenant_apps.catalog.marc import TitleDraft
from tenant_apps.catalog.models import Copy, ImportJob, ImportRecord, ItemType, Title, TitleShare
from tenant_apps.circulation.models import Loan, LoanRule
from tenant_apps.collections.models import Collection
from tenant_apps.federation.models import IdentityProvider, LinkedIdentity
from tenant_apps.keys.models import ApiKey, ServiceAccount
from tenant_apps.members.models import Invitation
from tenant_apps.members.rules import LIFETIME, digest_of, new_nonce, token_for
from tenant_apps.patrons.models import Card, Patron, PatronCategory
from tenant_apps.visits.models import Visit
from tests.authenticators import app_of

NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)
PASSWORD = "correct-horse-battery"
# One counter for the process: a name made here exists nowhere else, in this library or another.
_numbers = itertools.count(1)


def unique(prefix: str) -> str:
    """A short text that no other row of this run has."""
    return f"{prefix}{next(_numbers)}"


def _unique(prefix: str) -> Any:
    return factory.LazyFunction(lambda: unique(prefix))


class UserFactory(DjangoModelFactory[User]):
    """A user with a verified address and the standard accounts' password."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.LazyFunction(lambda: f"{unique('person')}@people.example")
    name = factory.Faker("name")
    password = factory.LazyFunction(lambda: make_password(PASSWORD))
    date_joined = NOW

    @factory.post_generation
    def address(self: Any, create: bool, extracted: object, **_more: object) -> None:
        """allauth's record of the address."""
        if create:
            EmailAddress.objects.create(user=self, email=self.email, verified=True, primary=True)

    @factory.post_generation
    def app(self: Any, create: bool, extracted: object, **_more: object) -> None:
        """An authenticator app for platform staff, who may do nothing without one."""
        if create and self.is_staff:
            app_of(self)


class BranchFactory(DjangoModelFactory[Branch]):
    """A branch in Rome."""

    class Meta:
        model = Branch

    code = _unique("branch")
    name = factory.LazyAttribute(lambda row: f"The {row.code}")
    time_zone = "Europe/Rome"


class IdentityProviderFactory(DjangoModelFactory[IdentityProvider]):
    """GitHub, which need not be asked to begin a sign-in. Its secret nobody knows."""

    class Meta:
        model = IdentityProvider

    code = _unique("provider")
    name = factory.LazyAttribute(lambda row: f"The {row.code}")
    kind = "github"
    client_id = "library"
    client_secret = "1.unreadable"


class LinkedIdentityFactory(DjangoModelFactory[LinkedIdentity]):
    """An identity of somebody at GitHub."""

    class Meta:
        model = LinkedIdentity

    provider = factory.SubFactory(IdentityProviderFactory)
    issuer = "https://github.com"
    subject = _unique("subject")
    user = factory.SubFactory(UserFactory)
    created_at = NOW


class CollectionFactory(DjangoModelFactory[Collection]):
    """A collection without titles."""

    class Meta:
        model = Collection

    code = _unique("collection")
    name = factory.LazyAttribute(lambda row: f"All about {row.code}")


class RoleFactory(DjangoModelFactory[Role]):
    """A role of the library's own, to lend."""

    class Meta:
        model = Role

    code = _unique("role")
    name = factory.LazyAttribute(lambda row: f"The {row.code}")
    permissions = factory.LazyFunction(lambda: ["catalog.view", "circulation.lend"])


class RoleAssignmentFactory(DjangoModelFactory[RoleAssignment]):
    """The reader's role for a new user."""

    class Meta:
        model = RoleAssignment

    user = factory.SubFactory(UserFactory)
    role = factory.LazyFunction(lambda: Role.objects.get(code="reader"))
    branch = None
    created_at = NOW


class InvitationFactory(DjangoModelFactory[Invitation]):
    """An invitation to read, by the library's admin, whose link is in its nonce (members.rules.token_for)."""

    class Meta:
        model = Invitation

    email = factory.LazyFunction(lambda: f"{unique('invited')}@people.example")
    role = factory.LazyFunction(lambda: Role.objects.get(code="reader"))
    invited_by = factory.LazyFunction(
        lambda: User.objects.filter(role_assignments__role__code="admin").earliest("pk")
    )
    token_nonce = factory.LazyFunction(new_nonce)
    token_digest = factory.LazyAttribute(lambda row: digest_of(token_for(row.token_nonce)))
    created_at = factory.LazyFunction(clock.now)
    sent_at = factory.SelfAttribute("created_at")
    expires_at = factory.LazyAttribute(lambda row: row.created_at + LIFETIME)


class ServiceAccountFactory(DjangoModelFactory[ServiceAccount]):
    """A machine without roles."""

    class Meta:
        model = ServiceAccount

    code = _unique("machine")
    name = factory.LazyAttribute(lambda row: f"The {row.code}")
    created_at = NOW


class ApiKeyFactory(DjangoModelFactory[ApiKey]):
    """A key that may search the catalogue, of a service account of its own. The key itself nobody knows."""

    class Meta:
        model = ApiKey

    service_account = factory.SubFactory(ServiceAccountFactory)
    name = _unique("Key ")
    prefix = _unique("lhk_test")
    digest = "0" * 64
    permissions = factory.LazyFunction(lambda: ["catalog.view"])
    created_at = NOW


class ItemTypeFactory(DjangoModelFactory[ItemType]):
    """An item type that no rule names."""

    class Meta:
        model = ItemType

    code = _unique("type")
    name = factory.LazyAttribute(lambda row: f"Kind {row.code}")


class TitleFactory(factory.Factory[Title]):
    """A title with its MARC record, written as the API writes it."""

    class Meta:
        model = Title

    title = factory.LazyFunction(lambda: f"The Book of {unique('Wonders')}")
    year = 1999
    language = "eng"

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Title:
        collection = kwargs.pop("collection", None)
        return catalog.add_title(draft=TitleDraft(**kwargs), collection=collection, by=SYSTEM, now=NOW)


class TitleShareFactory(DjangoModelFactory[TitleShare]):
    """A new title shared with a new user, to see it."""

    class Meta:
        model = TitleShare

    user = factory.SubFactory(UserFactory)
    content_object = factory.SubFactory(TitleFactory)
    permission = factory.LazyFunction(lambda: Permission.objects.get(codename="view_title"))


class CopyFactory(DjangoModelFactory[Copy]):
    """A copy of a new title, a book, at the main branch."""

    class Meta:
        model = Copy

    title = factory.SubFactory(TitleFactory)
    barcode = _unique("3000")
    item_type = factory.LazyFunction(lambda: ItemType.objects.get(code="book"))
    home_branch = factory.LazyFunction(lambda: Branch.objects.get(code="main"))
    current_branch = factory.SelfAttribute("home_branch")
    created_at = NOW


class PatronCategoryFactory(DjangoModelFactory[PatronCategory]):
    """A category that no rule names."""

    class Meta:
        model = PatronCategory

    code = _unique("category")
    name = factory.LazyAttribute(lambda row: f"People of {row.code}")


class PatronFactory(DjangoModelFactory[Patron]):
    """An adult of the main branch, without a card."""

    class Meta:
        model = Patron

    name = factory.LazyFunction(lambda: f"Ada {unique('Reader')}")
    category = factory.LazyFunction(lambda: PatronCategory.objects.get(code="adult"))
    home_branch = factory.LazyFunction(lambda: Branch.objects.get(code="main"))
    created_at = NOW


class CardFactory(DjangoModelFactory[Card]):
    """A valid card of a new patron."""

    class Meta:
        model = Card

    patron = factory.SubFactory(PatronFactory)
    number = _unique("C-")


class LoanFactory(DjangoModelFactory[Loan]):
    """An open loan of a new copy to a new patron, due in four weeks."""

    class Meta:
        model = Loan

    class Params:
        card = factory.SubFactory(CardFactory)

    copy = factory.SubFactory(CopyFactory)
    patron = factory.SelfAttribute("card.patron")
    card_number = factory.SelfAttribute("card.number")
    branch = factory.SelfAttribute("copy.home_branch")
    checked_out_at = NOW
    due_at = NOW + dt.timedelta(days=28)


class LoanRuleFactory(DjangoModelFactory[LoanRule]):
    """A loan period for a new branch."""

    class Meta:
        model = LoanRule

    name = "loan_period_days"
    value = 14
    branch = factory.SubFactory(BranchFactory)


class ImportJobFactory(DjangoModelFactory[ImportJob]):
    """A finished import of one created record, without its file."""

    class Meta:
        model = ImportJob

    state = "done"
    file = _unique("imports/file")
    file_name = "books.mrc"
    file_size = 100
    file_sha256 = factory.LazyAttribute(lambda row: hashlib.sha256(row.file.encode()).hexdigest())
    format = "marc21"
    created = 1
    created_at = NOW
    started_at = NOW
    finished_at = NOW


class ImportRecordFactory(DjangoModelFactory[ImportRecord]):
    """The first line of an import's report."""

    class Meta:
        model = ImportRecord

    job = factory.SubFactory(ImportJobFactory)
    number = 1
    offset = 0
    outcome = "created"
    label = _unique("Record ")


class SignUpFactory(DjangoModelFactory[SignUp]):
    """A sign-up that waits for its link, in the public schema. `token` of it is `tokens.token_for(id, token_nonce)`."""

    class Meta:
        model = SignUp

    library_name = "Harbour Library"
    subdomain = _unique("harbour")
    admin_name = "Hana Harbour"
    admin_email = factory.LazyAttribute(lambda row: f"admin@{row.subdomain}.example")
    password_hash = factory.LazyFunction(lambda: make_password(PASSWORD))
    plan = "free"
    language = "en"
    time_zone = "Europe/Rome"
    token_nonce = factory.LazyFunction(tokens.new_nonce)
    token_digest = factory.LazyAttribute(
        lambda row: tokens.digest_of(tokens.token_for(row.id, row.token_nonce))
    )
    created_at = NOW
    expires_at = NOW + dt.timedelta(days=3650)
    id = factory.Faker("uuid4", cast_to=None)


class DomainFactory(DjangoModelFactory[Domain]):
    """A claimed domain, of the library given as `tenant_id`; made in the public schema."""

    class Meta:
        model = Domain

    domain = factory.LazyFunction(lambda: f"{unique('books')}.example.org")
    token = factory.LazyFunction(lambda: unique("token"))
    created_at = NOW


class LibraryRowFactory(DjangoModelFactory[Library]):
    """The public row of an open library that has no schema."""

    class Meta:
        model = Library

    id = factory.LazyFunction(uuid.uuid4)
    schema_name = factory.LazyAttribute(lambda row: f"lib_{row.id.hex[:20]}")
    subdomain = _unique("library")
    name = factory.LazyAttribute(lambda row: row.subdomain.title())
    status = "active"
    created_at = NOW


class ClosedLibraryFactory(LibraryRowFactory):
    """The public row of a library that has closed."""

    status = "closed"
    standing = "active"
    closed_at = NOW


class StaffRoleFactory(DjangoModelFactory[StaffRole]):
    """A role of a new member of the platform's staff."""

    class Meta:
        model = StaffRole

    user = factory.SubFactory(
        UserFactory, email=factory.LazyFunction(lambda: f"{unique('member')}@platform.example"), is_staff=True
    )
    role = "support"
    created_at = NOW


class DeletionRequestFactory(DjangoModelFactory[DeletionRequest]):
    """A request to delete a closed library that waits for a second person, the one given or a new one's."""

    class Meta:
        model = DeletionRequest

    library = factory.SubFactory(ClosedLibraryFactory)
    reason = "Contract ended"
    requested_by = factory.SubFactory(UserFactory)
    requested_at = NOW
    expires_at = NOW + dt.timedelta(days=3650)


class VisitFactory(DjangoModelFactory[Visit]):
    """A visit that goes on, as the library knows it; nobody has its token."""

    class Meta:
        model = Visit

    staff_name = "Stella Staff"
    reason = "Ticket 118"
    access = "read"
    token_digest = factory.LazyFunction(lambda: unique("digest-"))
    started_at = NOW
    expires_at = NOW + dt.timedelta(days=3650)
