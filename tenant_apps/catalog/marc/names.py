"""Contributors, subjects and series of a record: names that other titles share."""

from .facts import ContributorFacts, ContributorKind, MaterialType, SeriesFacts, SubjectFacts, SubjectKind
from .fold import fold, normalise_name
from .limits import MAX_CONTRIBUTORS, MAX_DATES, MAX_HEADING, MAX_ITEMS, MAX_NAME, MAX_SHORT, MAX_SUBJECTS
from .punctuation import clean_isbd
from .record import DataField, TagIndex
from .roles import contributor_role

# Tag ending -> kind and the subfields that make up the name; $d is a person's dates, but a meeting's date.
_NAMES = {
    "00": (ContributorKind.PERSON, "abcq"),
    "10": (ContributorKind.CORPORATE, "ab"),
    "11": (ContributorKind.MEETING, "aendc"),
}
_CONTAINED_WORK = "2"  # indicator 2 of 7XX: the heading names a work inside this one

# What a heading is made of: everything but subdivisions, relators, links and control subfields.
_HEADING_CODES = "abcdfghklmnopqrst"
_SUBDIVISION_CODES = "vxyz"
_SUBJECTS = {
    "600": SubjectKind.PERSON,
    "610": SubjectKind.CORPORATE,
    "611": SubjectKind.MEETING,
    "630": SubjectKind.WORK,
    "648": SubjectKind.TIME,
    "650": SubjectKind.TOPIC,
    "651": SubjectKind.PLACE,
    "653": SubjectKind.KEYWORD,
    "655": SubjectKind.GENRE,
}


def read_contributors(index: TagIndex, material: MaterialType) -> tuple[ContributorFacts, ...]:
    """Main entries (1XX) first, then added ones (7XX); the same name in the same role once.

    An added entry with a title ($t) counts only if that work is part of this record.
    """
    found: dict[tuple[str, str], ContributorFacts] = {}
    for tag in ("100", "110", "111", "700", "710", "711"):
        is_main = tag[0] == "1"
        for field in index.data(tag):
            if not is_main and field.first("t") and field.indicator(2) != _CONTAINED_WORK:
                continue
            contributor = _contributor(field, is_main=is_main, material=material)
            if contributor is not None:
                found.setdefault((contributor.normalised_name, contributor.role), contributor)
    return tuple(found.values())[:MAX_CONTRIBUTORS]


def _contributor(field: DataField, *, is_main: bool, material: MaterialType) -> ContributorFacts | None:
    kind, codes = _NAMES[field.tag[1:]]
    name = clean_isbd(" ".join(_before_title(field, codes)), MAX_NAME)
    dates = clean_isbd(field.first("d"), MAX_DATES) if kind is ContributorKind.PERSON else ""
    normalised = normalise_name(name, dates)
    if not normalised:
        return None
    role = contributor_role(field, is_main=is_main, material=material)
    return ContributorFacts(name, normalised, role, kind, dates, is_main)


def _before_title(field: DataField, codes: str) -> list[str]:
    """Name subfields up to $t: behind it, $n and others belong to the title."""
    values: list[str] = []
    for code, value in field.subfields:
        if code == "t":
            break
        if code and code in codes:
            values.append(value.strip())
    return values


def read_subjects(index: TagIndex) -> tuple[SubjectFacts, ...]:
    """Subject headings in the order of their tags, the same heading once even from several vocabularies."""
    found: dict[str, SubjectFacts] = {}
    for tag, kind in _SUBJECTS.items():
        for field in index.data(tag):
            headings = field.values("a") if kind is SubjectKind.KEYWORD else [_heading(field)]
            for heading in headings:
                text = clean_isbd(heading, MAX_HEADING)
                key = fold(text)
                if key:
                    found.setdefault(key, SubjectFacts(text, key, kind))
    return tuple(found.values())[:MAX_SUBJECTS]


def _heading(field: DataField) -> str:
    name = " ".join(value.strip() for value in field.values(_HEADING_CODES))
    parts = [name, *field.values(_SUBDIVISION_CODES)]
    return " -- ".join(filter(None, (clean_isbd(part, MAX_HEADING) for part in parts)))


def read_series(index: TagIndex) -> tuple[SeriesFacts, ...]:
    """Series as transcribed (490, 440); where there is none, as traced (800 to 830). The same name once."""
    fields = index.data("490", "440")
    traced = not fields
    if traced:
        fields = index.data("830", "800", "810", "811")
    found: dict[str, SeriesFacts] = {}
    for field in fields:
        # In 800-811 the series is the title part of a name-title entry.
        codes = "t" if traced and field.tag != "830" else "anp"
        name = clean_isbd(" ".join(value.strip() for value in field.values(codes)), MAX_SHORT)
        key = fold(name)
        if key:
            found.setdefault(key, SeriesFacts(name, key, clean_isbd(field.first("v"), MAX_SHORT)))
    return tuple(found.values())[:MAX_ITEMS]
