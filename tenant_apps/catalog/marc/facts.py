"""What is read out of a record for the catalogue: plain values, cleaned, bounded by limits.py, immutable."""

from dataclasses import dataclass
from enum import StrEnum


class MaterialType(StrEnum):
    """What the thing is. From leader/06-07 and fields 007 and 008, see material.py."""

    BOOK = "book"
    EBOOK = "ebook"
    SERIAL = "serial"
    MAP = "map"
    SCORE = "score"
    MUSIC = "music"
    AUDIOBOOK = "audiobook"
    FILM = "film"
    GAME = "game"
    KIT = "kit"
    PICTURE = "picture"
    MANUSCRIPT = "manuscript"
    SOFTWARE = "software"
    THING = "thing"
    OTHER = "other"


class ContributorKind(StrEnum):
    """What kind of name a contributor is."""

    PERSON = "person"
    CORPORATE = "corporate"
    MEETING = "meeting"


class Role(StrEnum):
    """What a contributor did. From relator codes and terms, see roles.py; CONTRIBUTOR if nothing is said."""

    AUTHOR = "author"
    EDITOR = "editor"
    TRANSLATOR = "translator"
    ILLUSTRATOR = "illustrator"
    COMPILER = "compiler"
    COMPOSER = "composer"
    CONDUCTOR = "conductor"
    DIRECTOR = "director"
    NARRATOR = "narrator"
    PERFORMER = "performer"
    PHOTOGRAPHER = "photographer"
    PRODUCER = "producer"
    PUBLISHER = "publisher"
    CREATOR = "creator"
    CONTRIBUTOR = "contributor"


class SubjectKind(StrEnum):
    """What kind of heading a subject is."""

    PERSON = "person"
    CORPORATE = "corporate"
    MEETING = "meeting"
    WORK = "work"
    TIME = "time"
    TOPIC = "topic"
    PLACE = "place"
    GENRE = "genre"
    KEYWORD = "keyword"


@dataclass(frozen=True, slots=True)
class ContributorFacts:
    """A person, body or meeting. `normalised_name` is unique per name and dates (fold.normalise_name)."""

    name: str
    normalised_name: str
    role: Role
    kind: ContributorKind
    dates: str
    is_main: bool


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """A subject heading, subdivisions after " -- ", and its folded form."""

    heading: str
    normalised: str
    kind: SubjectKind


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """A series, its folded name and the number in it, which may be any text."""

    name: str
    normalised: str
    volume: str


@dataclass(frozen=True, slots=True)
class ClassificationFacts:
    """A class number. `scheme` is ddc, udc, lcc, or what 084 $2 names."""

    scheme: str
    number: str


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """An http or https address and its label, which may be empty."""

    url: str
    label: str


@dataclass(frozen=True, slots=True)
class TitleFacts:
    """Everything the catalogue shows, searches and sorts by. Text that a record lacks is empty, never None.

    `title` is never empty. `year` is one of the common era; languages are MARC codes ("eng"). `isbns` have 13
    digits and are valid, `invalid_isbns` are the wrong or cancelled ones as found, `issns` have the form
    1234-5678. `original_titles` are the titles in their own script (field 880).
    """

    control_number: str
    title: str
    subtitle: str
    statement_of_responsibility: str
    sort_title: str
    nonfiling: int
    uniform_title: str
    variant_titles: tuple[str, ...]
    original_titles: tuple[str, ...]
    contributors: tuple[ContributorFacts, ...]
    subjects: tuple[SubjectFacts, ...]
    publisher: str
    place: str
    year: int | None
    language: str
    languages: tuple[str, ...]
    isbns: tuple[str, ...]
    invalid_isbns: tuple[str, ...]
    issns: tuple[str, ...]
    material_type: MaterialType
    series: tuple[SeriesFacts, ...]
    classifications: tuple[ClassificationFacts, ...]
    edition: str
    extent: str
    summary: str
    audience: str
    contents: str
    notes: tuple[str, ...]
    urls: tuple[LinkFacts, ...]
