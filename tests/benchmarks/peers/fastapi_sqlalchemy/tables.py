"""The tables as SQLAlchemy's ORM maps them; only what the measured addresses read or write."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Exists, ForeignKey, SmallInteger, Text, func, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    column_property,
    mapped_column,
    relationship,
)


class Table(DeclarativeBase):
    """The base of all."""

    type_annotation_map = {
        int: BigInteger,
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
    }


class Branch(Table):
    """A branch."""

    __tablename__ = "branches_branch"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    time_zone: Mapped[str]


class Collection(Table):
    """A collection."""

    __tablename__ = "collections_collection"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]


class Role(Table):
    """A role."""

    __tablename__ = "access_role"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    permissions: Mapped[list[str]]


class RoleAssignment(Table):
    """Who has which role where."""

    __tablename__ = "access_roleassignment"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("accounts_user.id"))
    role_id: Mapped[int] = mapped_column(ForeignKey(Role.id))
    branch_id: Mapped[int | None] = mapped_column(ForeignKey(Branch.id))
    collection_id: Mapped[int | None] = mapped_column(ForeignKey(Collection.id))
    held: Mapped[Role] = relationship()
    at_branch: Mapped[Branch | None] = relationship()
    of_collection: Mapped[Collection | None] = relationship()

    @property
    def role(self) -> str:
        """The role's code."""
        return self.held.code

    @property
    def permissions(self) -> list[str]:
        """What the role gives."""
        return self.held.permissions

    @property
    def branch(self) -> str | None:
        """The branch's code."""
        return self.at_branch.code if self.at_branch is not None else None

    @property
    def collection(self) -> str | None:
        """The collection's code."""
        return self.of_collection.code if self.of_collection is not None else None


class OutstandingToken(Table):
    """A session."""

    __tablename__ = "token_blacklist_outstandingtoken"
    id: Mapped[int] = mapped_column(primary_key=True)
    jti: Mapped[str]
    user_id: Mapped[int]


class BlacklistedToken(Table):
    """A session that was ended."""

    __tablename__ = "token_blacklist_blacklistedtoken"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_id: Mapped[int]


class Authenticator(Table):
    """A second factor."""

    __tablename__ = "mfa_authenticator"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int]
    type: Mapped[str]


class Preferences(Table):
    """The library's settings."""

    __tablename__ = "preferences_librarypreferences"
    id: Mapped[int] = mapped_column(primary_key=True)
    values: Mapped[dict[str, Any]]


class User(Table):
    """A person's account."""

    __tablename__ = "accounts_user"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    language: Mapped[str]
    password: Mapped[str]
    is_active: Mapped[bool]
    assignments: Mapped[list[RoleAssignment]] = relationship(order_by=RoleAssignment.id)


class Contributor(Table):
    """Somebody who made something."""

    __tablename__ = "catalog_contributor"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]


class Subject(Table):
    """A subject heading."""

    __tablename__ = "catalog_subject"
    id: Mapped[int] = mapped_column(primary_key=True)
    heading: Mapped[str]


class TitleContributor(Table):
    """A contributor's part in a title."""

    __tablename__ = "catalog_titlecontributor"
    id: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[str]
    position: Mapped[int] = mapped_column(SmallInteger)
    title_id: Mapped[int] = mapped_column(ForeignKey("catalog_title.id"))
    contributor_id: Mapped[int] = mapped_column(ForeignKey(Contributor.id))
    contributor: Mapped[Contributor] = relationship()


class TitleSubject(Table):
    """A subject of a title."""

    __tablename__ = "catalog_titlesubject"
    id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    title_id: Mapped[int] = mapped_column(ForeignKey("catalog_title.id"))
    subject_id: Mapped[int] = mapped_column(ForeignKey(Subject.id))
    subject: Mapped[Subject] = relationship()


class PatronCategory(Table):
    """A kind of patron."""

    __tablename__ = "patrons_patroncategory"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]


class Card(Table):
    """A patron's card."""

    __tablename__ = "patrons_card"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    lost_at: Mapped[datetime | None]
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons_patron.id"))


class Patron(Table):
    """A patron."""

    __tablename__ = "patrons_patron"
    id: Mapped[int] = mapped_column(primary_key=True)
    expires_on: Mapped[date | None]
    user_id: Mapped[int | None]
    category_id: Mapped[int]
    cards: Mapped[list[Card]] = relationship(order_by=Card.id)


class Loan(Table):
    """A loan."""

    __tablename__ = "circulation_loan"
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
    copy_id: Mapped[int] = mapped_column(ForeignKey("catalog_copy.id"))
    patron_id: Mapped[int | None]
    card_number: Mapped[str]
    branch_id: Mapped[int] = mapped_column(ForeignKey(Branch.id))
    checked_out_at: Mapped[datetime]
    checked_out_by_id: Mapped[int | None]
    due_at: Mapped[datetime]
    renewals: Mapped[int] = mapped_column(SmallInteger, default=0)
    rules: Mapped[dict[str, Any]]
    returned_at: Mapped[datetime | None]
    effective_return_at: Mapped[datetime | None]
    return_branch_id: Mapped[int | None] = mapped_column(ForeignKey(Branch.id))
    returned_by_id: Mapped[int | None]
    copy: Mapped[Copy] = relationship(back_populates="loans")
    branch: Mapped[Branch] = relationship(foreign_keys=branch_id)
    return_branch: Mapped[Branch | None] = relationship(foreign_keys=return_branch_id)

    @property
    def item_type_id(self) -> int:
        """What kind of thing was lent."""
        return self.copy.item_type_id


class Copy(Table):
    """A copy of a title."""

    __tablename__ = "catalog_copy"
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    barcode: Mapped[str]
    lost_at: Mapped[datetime | None]
    damaged_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    not_for_loan: Mapped[bool]
    item_type_id: Mapped[int]
    title_id: Mapped[int] = mapped_column(ForeignKey("catalog_title.id"))
    home_branch_id: Mapped[int] = mapped_column(ForeignKey(Branch.id))
    current_branch_id: Mapped[int]
    title: Mapped[Title] = relationship()
    home_branch: Mapped[Branch] = relationship()
    loans: Mapped[list[Loan]] = relationship(back_populates="copy")


class Title(Table):
    """A title; its counts are subqueries of the same statement."""

    __tablename__ = "catalog_title"
    id: Mapped[int] = mapped_column(primary_key=True)
    control_number: Mapped[str]
    title: Mapped[str]
    subtitle: Mapped[str]
    statement: Mapped[str]
    publisher: Mapped[str]
    place: Mapped[str]
    year: Mapped[int | None] = mapped_column(SmallInteger)
    language: Mapped[str]
    material_type: Mapped[str]
    edition: Mapped[str]
    extent: Mapped[str]
    series: Mapped[str]
    classification: Mapped[str]
    summary: Mapped[str]
    isbns: Mapped[list[str]]
    issns: Mapped[list[str]]
    urls: Mapped[list[str]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    collection_id: Mapped[int | None] = mapped_column(ForeignKey(Collection.id))
    in_collection: Mapped[Collection | None] = relationship()
    contributions: Mapped[list[TitleContributor]] = relationship(order_by=TitleContributor.position)
    subject_links: Mapped[list[TitleSubject]] = relationship(order_by=TitleSubject.position)

    @property
    def collection(self) -> str | None:
        """The collection's code."""
        return self.in_collection.code if self.in_collection is not None else None

    @property
    def contributor_names(self) -> list[str]:
        """Names in the record's order, each once."""
        return list(dict.fromkeys(one.contributor.name for one in self.contributions))


_in_stock = select(func.count(Copy.id)).where(
    Copy.title_id == Title.id, Copy.withdrawn_at.is_(None), Copy.lost_at.is_(None)
)
_is_out: Exists = select(Loan.id).where(Loan.copy_id == Copy.id, Loan.returned_at.is_(None)).exists()
_on_shelf = _in_stock.where(Copy.damaged_at.is_(None), ~Copy.not_for_loan, ~_is_out)
Title.copies_total = column_property(_in_stock.correlate(Title.__table__).scalar_subquery(), deferred=True)
Title.copies_available = column_property(
    _on_shelf.correlate(Title.__table__).scalar_subquery(), deferred=True
)


class LoanRule(Table):
    """A loan rule."""

    __tablename__ = "circulation_loanrule"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    value: Mapped[Any] = mapped_column(JSONB)
    branch_id: Mapped[int | None]
    category_id: Mapped[int | None]
    item_type_id: Mapped[int | None]


class AuditEntry(Table):
    """What somebody did."""

    __tablename__ = "audit_auditentry"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    action: Mapped[str]
    target_type: Mapped[str]
    target_id: Mapped[str]
    actor_kind: Mapped[str] = mapped_column(default="person")
    actor_user_id: Mapped[int | None]
    actor_label: Mapped[str] = mapped_column(default="")
    request_id: Mapped[str]
    changes: Mapped[dict[str, Any]]


class OutboxMessage(Table):
    """What has to follow."""

    __tablename__ = "delivery_outboxmessage"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]]
    dedupe_key: Mapped[str | None]
    created_at: Mapped[datetime]
    available_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(default="")
