"""From a record to what the catalogue shows, searches and sorts by."""

from urllib.parse import urlsplit

from .coded import imprint_fields, languages, publication_year
from .facts import ClassificationFacts, LinkFacts, TitleFacts
from .fold import clean_text, fold
from .limits import MAX_CONTROL_NUMBER, MAX_ITEMS, MAX_NOTE, MAX_SHORT, MAX_TITLE, MAX_URL
from .material import material_type
from .names import read_contributors, read_series, read_subjects
from .numbers import read_isbns, read_issns
from .punctuation import clean_imprint, clean_isbd
from .record import DataField, ParsedRecord, TagIndex
from .titles import find_title_field, main_title, nonfiling_characters, sort_title, subtitle

# Notes for the public: private ones (541, 561, 583 ...), processing and local ones (59X) are not shown.
_NOTE_TAGS = (
    "500", "501", "502", "504", "507", "508", "511", "515", "518", "521", "525", "530", "534", "538",
    "546", "547", "550", "580", "586",
)  # fmt: skip
_AUDIENCES = {  # 008/22 of books, music, computer files and visual materials
    "a": "preschool",
    "b": "primary",
    "c": "pre-adolescent",
    "d": "adolescent",
    "e": "adult",
    "f": "specialized",
    "g": "general",
    "j": "juvenile",
}
_AUDIENCE_MATERIALS = "acdgijkmort"  # leader/06 of the materials whose 008/22 is the audience
_REVIEW_OR_ADVICE = "1234"  # 520 indicator 1: review, scope and content, abstract, content advice


def extract(parsed: ParsedRecord) -> TitleFacts:
    """Read the catalogue's facts out of a parsed record. Raises nothing for what parse_record gave.

    Every text is cleaned and bounded as limits.py says.
    """
    index = parsed.index
    title = find_title_field(index)
    if title is None:  # parse_record accepts no record without
        raise ValueError("a record without a title was not made by parse_record")
    material = material_type(parsed.leader, index)
    isbns, invalid_isbns = read_isbns(index)
    found_languages = languages(index)
    place, publisher = _imprint(index)
    return TitleFacts(
        control_number=_control_number(index),
        title=main_title(title),
        subtitle=subtitle(title),
        statement_of_responsibility=clean_isbd(title.first("c"), MAX_TITLE),
        sort_title=sort_title(title),
        nonfiling=nonfiling_characters(title),
        uniform_title=_uniform_title(index),
        variant_titles=_variant_titles(index),
        original_titles=_original_titles(index),
        contributors=read_contributors(index, material),
        subjects=read_subjects(index),
        publisher=publisher,
        place=place,
        year=publication_year(index),
        language=found_languages[0] if found_languages else "",
        languages=found_languages,
        isbns=isbns,
        invalid_isbns=invalid_isbns,
        issns=read_issns(index),
        material_type=material,
        series=read_series(index),
        classifications=_classifications(index),
        edition=clean_isbd(_joined(index.data("250")[:1], "ab", MAX_SHORT), MAX_SHORT),
        extent=_joined(index.data("300")[:1], "abcefg", MAX_SHORT),
        summary=_summary(index),
        audience=_audience(parsed.leader, index),
        contents=_joined(index.data("505"), "agrt", MAX_NOTE),
        notes=_notes(index),
        urls=_urls(index),
    )


def _control_number(index: TagIndex) -> str:
    """Number 001 with the agency of 003 before it in brackets, as in field 035: "(DLC)12345"."""
    number = clean_text(index.control("001"), MAX_CONTROL_NUMBER)
    agency = clean_text(index.control("003"), MAX_CONTROL_NUMBER)
    return (f"({agency}){number}" if agency and number else number)[:MAX_CONTROL_NUMBER]


def _joined(fields: list[DataField], codes: str, limit: int) -> str:
    return clean_text(" ".join(value.strip() for field in fields for value in field.values(codes)), limit)


def _distinct(texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, texts)))[:MAX_ITEMS]


def _imprint(index: TagIndex) -> tuple[str, str]:
    """First known place and first known publisher; some records spread them over several fields."""
    fields = imprint_fields(index)
    places = (clean_imprint(value, MAX_SHORT) for field in fields for value in field.values("a"))
    publishers = (clean_imprint(value, MAX_SHORT) for field in fields for value in field.values("b"))
    return next(filter(None, places), ""), next(filter(None, publishers), "")


def _uniform_title(index: TagIndex) -> str:
    for field in index.data("240", "130"):
        text = clean_isbd(" ".join(value.strip() for value in field.values("adfgklmnoprs")), MAX_TITLE)
        if text:
            return text
    return ""


def _variant_titles(index: TagIndex) -> tuple[str, ...]:
    """Other titles of the same thing (246, 740), such as those on the cover or the spine."""
    return _distinct(
        [
            clean_isbd(" ".join(value.strip() for value in field.values("abnp")), MAX_TITLE)
            for field in index.data("246", "740")
        ]
    )


def _original_titles(index: TagIndex) -> tuple[str, ...]:
    """Titles in their own script: fields 880 that $6 links to field 245, title and remainder in one line."""
    found: list[str] = []
    for field in index.data("880"):
        if field.first("6").strip()[:3] == "245":
            found.append(": ".join(filter(None, (main_title(field), subtitle(field)))))
    return _distinct(found)


def _classifications(index: TagIndex) -> tuple[ClassificationFacts, ...]:
    found: dict[ClassificationFacts, None] = {}
    for tag, scheme in (("082", "ddc"), ("080", "udc"), ("050", "lcc"), ("084", "")):
        for field in index.data(tag):
            name = scheme or fold(field.first("2"))[:MAX_SHORT] or "other"
            for value in field.values("a"):
                # 082 marks with a slash where a number may be cut; $b is the item part, worth showing in 050.
                number = value.replace("/", "") if scheme == "ddc" else value
                number = (
                    f"{number} {field.first('b')}"
                    if scheme == "lcc" and value == field.first("a")
                    else number
                )
                number = clean_text(number, MAX_SHORT)
                if number:
                    found[ClassificationFacts(name, number)] = None
    return tuple(found)[:MAX_ITEMS]


def _summary(index: TagIndex) -> str:
    """Summaries (520); reviews, abstracts and content advice only where there is no plain summary."""
    fields = index.data("520")
    plain = [field for field in fields if field.indicator(1) not in _REVIEW_OR_ADVICE]
    return _joined(plain or fields, "ab", MAX_NOTE)


def _audience(leader: str, index: TagIndex) -> str:
    code = index.control("008")[22:23]
    return _AUDIENCES.get(code, "") if leader[6] in _AUDIENCE_MATERIALS else ""


def _notes(index: TagIndex) -> tuple[str, ...]:
    return _distinct([_joined([field], "abcdefg3", MAX_NOTE) for field in index.data(*_NOTE_TAGS)])


def _urls(index: TagIndex) -> tuple[LinkFacts, ...]:
    found: dict[str, LinkFacts] = {}
    for field in index.data("856"):
        label = clean_text(field.first("y") or field.first("3") or field.first("z"), MAX_SHORT)
        for value in field.values("u"):
            url = value.strip()
            if is_web_address(url):
                found.setdefault(url, LinkFacts(url, label))
    return tuple(found.values())[:MAX_ITEMS]


def is_web_address(url: str) -> bool:
    """True for an absolute http or https address that is safe to put into a link.

    Refused: other schemes (javascript:, data:), no host, names or passwords before the host, blanks, control
    characters, backslashes and quotes, more than 2,000 characters.
    """
    if len(url) > MAX_URL or not url.isprintable() or any(sign in url for sign in ' \\"<>`'):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and "@" not in parts.netloc
