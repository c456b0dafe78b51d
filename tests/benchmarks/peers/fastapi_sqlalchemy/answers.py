"""The JSON of the contract, as pydantic models that read the ORM's objects."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, computed_field

T = TypeVar("T")
Id = Annotated[str, BeforeValidator(str)]


class Answer(BaseModel):
    """The base of all."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)


class Page(Answer, Generic[T]):
    """A page of a list."""

    next: str | None
    previous: str | None = None
    results: list[T]


class BranchAnswer(Answer):
    """A branch."""

    id: Id
    code: str
    name: str
    time_zone: str


class TitleInList(Answer):
    """A title in a list."""

    id: Id
    title: str
    subtitle: str
    contributors: list[str] = Field(validation_alias="contributor_names")
    year: int | None
    language: str
    isbns: list[str]
    material_type: str
    copies_available: int
    copies_total: int

    @computed_field
    @property
    def available(self) -> bool:
        """Whether a copy is on the shelf."""
        return self.copies_available > 0


class Contribution(Answer):
    """A contributor's part in a title."""

    id: Id = Field(validation_alias="contributor_id")
    name: str = Field(validation_alias=AliasPath("contributor", "name"))
    kind: str = Field(validation_alias=AliasPath("contributor", "kind"))
    role: str


class SubjectAnswer(Answer):
    """A subject of a title."""

    id: Id = Field(validation_alias="subject_id")
    heading: str = Field(validation_alias=AliasPath("subject", "heading"))


class TitleAnswer(Answer):
    """A title with everything."""

    id: Id
    control_number: str
    title: str
    subtitle: str
    statement: str
    contributors: list[Contribution] = Field(validation_alias="contributions")
    subjects: list[SubjectAnswer] = Field(validation_alias="subject_links")
    collection: str | None
    publisher: str
    place: str
    year: int | None
    language: str
    material_type: str
    edition: str
    extent: str
    series: str
    classification: str
    summary: str
    isbns: list[str]
    issns: list[str]
    urls: list[str]
    copies_total: int
    copies_available: int
    created_at: datetime
    updated_at: datetime


class LoanTitle(Answer):
    """What was lent."""

    id: Id
    title: str


class LoanAnswer(Answer):
    """A loan."""

    id: Id
    copy_barcode: str = Field(validation_alias=AliasPath("copy", "barcode"))
    title: LoanTitle = Field(validation_alias=AliasPath("copy", "title"))
    patron: Id = Field(validation_alias="patron_id")
    card_number: str
    branch: str = Field(validation_alias=AliasPath("branch", "code"))
    checked_out_at: datetime
    due_at: datetime
    renewals: int
    returned_at: datetime | None
    effective_return_at: datetime | None
    return_branch: str | None = Field(validation_alias=AliasPath("return_branch", "code"), default=None)


class Lent(Answer):
    """The answer to a checkout."""

    loan: LoanAnswer
    messages: list[str]


class Way(Answer):
    """Where a copy has to go."""

    from_branch: str
    to_branch: str


class Returned(Answer):
    """The answer to a return."""

    loan: LoanAnswer | None
    action: str
    hold: None = None
    transfer: Way | None
    charges: list[str] = []
    messages: list[str]


class RoleHeld(Answer):
    """A role, where it holds, and what it gives there."""

    assignment: str
    role: str
    branch: str | None
    collection: str | None
    permissions: list[str]


class Borrower(Answer):
    """The caller as a patron."""

    id: str
    card_numbers: list[str]


class Me(Answer):
    """The caller."""

    id: str
    email: str
    name: str
    language: str
    roles: list[RoleHeld]
    permissions: list[str]
    branch_permissions: dict[str, list[str]]
    collection_permissions: dict[str, list[str]]
    kind: str = "person"
    label: str = ""
    patron: Borrower | None


class Checkout(BaseModel):
    """The body of a checkout."""

    model_config = ConfigDict(extra="forbid")
    copy_barcode: str = Field(max_length=64)
    card_number: str = Field(max_length=64)
    branch: str
    confirm: list[str] = []


class Return(BaseModel):
    """The body of a return."""

    model_config = ConfigDict(extra="forbid")
    copy_barcode: str = Field(max_length=64)
    branch: str
    effective_at: datetime | None = None
