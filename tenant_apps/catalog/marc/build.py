"""A MARC 21 record for a title that a person typed in, so that every title of the catalogue has its record.

What is built is read back by `extract` to the same facts. Source: MARC 21 bibliographic, minimal level.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from .coded import EARLIEST_YEAR, LATEST_YEAR
from .facts import ContributorKind, MaterialType, Role
from .fold import clean_text
from .limits import MAX_HEADING, MAX_NAME, MAX_SHORT, MAX_TITLE
from .numbers import isbn13
from .parse import parse_record
from .record import RawRecord
from .structure import RawField, write_frame


@dataclass(frozen=True, slots=True)
class DraftContributor:
    """A name as it is sorted ("Tolkien, J. R. R."). The first author or creator becomes the main entry."""

    name: str
    role: Role = Role.AUTHOR
    kind: ContributorKind = ContributorKind.PERSON
    dates: str = ""


@dataclass(frozen=True, slots=True)
class TitleDraft:
    """The little that a person types in. `language` is a MARC code ("eng"), `isbns` are of either length."""

    title: str
    subtitle: str = ""
    contributors: Sequence[DraftContributor] = ()
    isbns: Sequence[str] = ()
    year: int | None = None
    language: str = ""
    publisher: str = ""
    place: str = ""
    edition: str = ""
    subjects: Sequence[str] = ()
    summary: str = ""
    material_type: MaterialType = MaterialType.BOOK
    control_number: str = ""


# Leader/06 and /07, and the position of 008 that tells apart what shares them (see material.py).
_CODED: dict[MaterialType, tuple[str, dict[int, str]]] = {
    MaterialType.BOOK: ("am", {}),
    MaterialType.EBOOK: ("am", {23: "o"}),
    MaterialType.SERIAL: ("as", {}),
    MaterialType.MAP: ("em", {}),
    MaterialType.SCORE: ("cm", {}),
    MaterialType.MUSIC: ("jm", {}),
    MaterialType.AUDIOBOOK: ("im", {}),
    MaterialType.FILM: ("gm", {33: "v"}),
    MaterialType.GAME: ("rm", {33: "g"}),
    MaterialType.KIT: ("om", {33: "b"}),
    MaterialType.PICTURE: ("km", {33: "k"}),
    MaterialType.MANUSCRIPT: ("tm", {}),
    MaterialType.SOFTWARE: ("mm", {26: "b"}),
    MaterialType.THING: ("rm", {33: "r"}),
    MaterialType.OTHER: ("pm", {}),
}
_RELATORS = {
    Role.AUTHOR: "aut",
    Role.EDITOR: "edt",
    Role.TRANSLATOR: "trl",
    Role.ILLUSTRATOR: "ill",
    Role.COMPILER: "com",
    Role.COMPOSER: "cmp",
    Role.CONDUCTOR: "cnd",
    Role.DIRECTOR: "drt",
    Role.NARRATOR: "nrt",
    Role.PERFORMER: "prf",
    Role.PHOTOGRAPHER: "pht",
    Role.PRODUCER: "pro",
    Role.PUBLISHER: "pbl",
    Role.CREATOR: "cre",
    Role.CONTRIBUTOR: "ctb",
}
_ARTICLES = {
    "eng": ("the ", "a ", "an "),
    "fre": ("le ", "la ", "les ", "l'", "un ", "une "),
    "ger": ("der ", "die ", "das ", "ein ", "eine "),
    "ita": ("il ", "lo ", "la ", "i ", "gli ", "le ", "l'", "un ", "uno ", "una ", "un'"),
    "spa": ("el ", "la ", "los ", "las ", "un ", "una "),
}
_MAIN_ROLES = (Role.AUTHOR, Role.CREATOR, Role.COMPOSER)
_NAME_TAGS = {
    ContributorKind.PERSON: ("00", "1"),
    ContributorKind.CORPORATE: ("10", "2"),
    ContributorKind.MEETING: ("11", "2"),
}


def build_record(draft: TitleDraft, *, entered_on: date) -> bytes:
    """A canonical MARC 21 record of a draft; control characters in its texts are taken out, never written.

    `entered_on` is the day that goes into field 008. Raises RecordRejected: no_title for a title of blanks
    and punctuation, record_too_long for some hundred names and subjects of the greatest length.
    Raises ValueError for an ISBN that is wrong or a year outside 1000 to 2100.
    """
    material, coded = _CODED[draft.material_type]
    fields: list[RawField] = []
    if number := clean_text(draft.control_number, MAX_SHORT):
        fields.append(("001", _encoded(number)))
    fields.append(("008", _encoded(_field_008(draft, entered_on, coded))))
    fields.extend(_data("020", "  ", ("a", _checked_isbn(isbn))) for isbn in draft.isbns)
    main, added = _arranged(draft.contributors)
    fields.extend(_name("1", contributor) for contributor in main)
    fields.append(_title_field(draft, has_main_entry=bool(main)))
    if edition := clean_text(draft.edition, MAX_SHORT):
        fields.append(_data("250", "  ", ("a", edition)))
    fields.extend(_imprint(draft))
    if summary := clean_text(draft.summary, MAX_TITLE * 5):
        fields.append(_data("520", "  ", ("a", summary)))
    subjects = filter(None, (clean_text(subject, MAX_HEADING) for subject in draft.subjects))
    fields.extend(_data("650", " 4", ("a", subject)) for subject in subjects)
    fields.extend(_name("7", contributor) for contributor in added)
    marc = write_frame(f"00000n{material} a2200000   4500", fields)
    return parse_record(RawRecord(number=1, offset=0, data=marc)).marc


def _field_008(draft: TitleDraft, entered_on: date, coded: dict[int, str]) -> str:
    if draft.year is not None and not EARLIEST_YEAR <= draft.year <= LATEST_YEAR:
        raise ValueError(f"year {draft.year} is not between {EARLIEST_YEAR} and {LATEST_YEAR}")
    dates = f"s{draft.year:04d}    " if draft.year is not None else "nuuuuuuuu"
    language = draft.language.strip().lower()
    if not (len(language) == 3 and language.isascii() and language.isalpha()):
        language = "und"
    text = list(f"{entered_on:%y%m%d}{dates}xx {' ' * 17}{language} d")
    for position, code in coded.items():
        text[position] = code
    return "".join(text)


def _title_field(draft: TitleDraft, *, has_main_entry: bool) -> RawField:
    parts = [("a", clean_text(draft.title, MAX_TITLE))]
    if remainder := clean_text(draft.subtitle, MAX_TITLE):
        parts.append(("b", remainder))
    skipped = _article_length(parts[0][1], draft.language.strip().lower())
    return _data("245", f"{int(has_main_entry)}{skipped}", *parts)


def _article_length(title: str, language: str) -> int:
    """Characters of a leading article with its blank or apostrophe, as indicator 2 of 245 counts them."""
    words = title.casefold().replace("\u2019", "'")
    for article in _ARTICLES.get(language, ()):
        # The article alone is a whole title.
        if words.startswith(article) and len(words) > len(article):
            return len(article)
    return 0


def _imprint(draft: TitleDraft) -> list[RawField]:
    place, publisher = clean_text(draft.place, MAX_SHORT), clean_text(draft.publisher, MAX_SHORT)
    parts = [("a", place), ("b", publisher), ("c", str(draft.year or ""))]
    parts = [(code, value) for code, value in parts if value]
    return [_data("264", " 1", *parts)] if parts else []


def _arranged(
    contributors: Sequence[DraftContributor],
) -> tuple[list[DraftContributor], list[DraftContributor]]:
    """The main entry, at most one, and the others in their order."""
    named = [contributor for contributor in contributors if clean_text(contributor.name, MAX_NAME)]
    main = next((contributor for contributor in named if contributor.role in _MAIN_ROLES), None)
    if main is None:
        return [], named
    first = named.index(main)
    return [main], named[:first] + named[first + 1 :]


def _name(block: str, contributor: DraftContributor) -> RawField:
    ending, indicator = _NAME_TAGS[contributor.kind]
    name = clean_text(contributor.name, MAX_NAME)
    if contributor.kind is ContributorKind.PERSON:
        indicator = "1" if "," in name else "0"
    parts = [("a", name)]
    if dates := clean_text(contributor.dates, MAX_SHORT):
        parts.append(("d", dates))
    return _data(f"{block}{ending}", f"{indicator} ", *parts, ("4", _RELATORS[contributor.role]))


def _checked_isbn(text: str) -> str:
    number = isbn13(text)
    if not number:
        raise ValueError(f"not a valid ISBN: {clean_text(text, 40)}")
    return number


def _data(tag: str, indicators: str, *subfields: tuple[str, str]) -> RawField:
    return tag, _encoded(indicators + "".join(f"\x1f{code}{value}" for code, value in subfields))


def _encoded(text: str) -> bytes:
    return text.encode()
