"""The title of a record: which field holds it and how its parts make one line."""

import re

from .fold import fold
from .limits import MAX_SORT_TITLE, MAX_TITLE
from .punctuation import clean_isbd
from .record import DataField, TagIndex

# 245 with a character in it that no tag may hold, as editors leave behind: "2 4", "24 ".
_DAMAGED = re.compile(r"2(?:4[^0-9A-Za-z]|[^0-9A-Za-z][0-9])\Z")
_NON_SORTING = re.compile("\x98[^\x98\x9c]*\x9c")  # U+0098 ... U+009C put round an article


def find_title_field(index: TagIndex) -> DataField | None:
    """Field 245 with a title; failing that, the only field whose tag is a damaged 245; else None."""
    for field in index.data("245"):
        if main_title(field):
            return field
    damaged = [
        field for tag in index.tags() if _DAMAGED.match(tag) for field in index.data(tag) if main_title(field)
    ]
    return damaged[0] if len(damaged) == 1 else None


def main_title(field: DataField) -> str:
    """Title proper with number and name of the part ($a, $n, $p); without these, what else names the thing.

    "Faust. 2, Der Tragödie zweiter Teil". Empty if the field holds only blanks and punctuation.
    """
    title = ""
    last = ""
    for code, value in field.subfields:
        if code not in ("a", "n", "p"):
            continue
        part = clean_isbd(value, MAX_TITLE)
        if not part:
            continue
        if title:
            title += ", " if last == "n" and code == "p" else ". "
        title += part
        last = code
    if not title:
        # Last, subfields whose code was damaged into something else than ASCII ("á" for "a").
        damaged = [value for code, value in field.subfields if not code.isascii()]
        others = (clean_isbd(value, MAX_TITLE) for value in (*field.values("bkfgs"), *damaged))
        title = next(filter(None, others), "")
    return title[:MAX_TITLE].rstrip()


def subtitle(field: DataField) -> str:
    """Remainder of the title, all $b; empty if the title itself had to be taken from there."""
    text = clean_isbd(" ".join(field.values("b")), MAX_TITLE)
    return text if text != main_title(field) else ""


def nonfiling_characters(field: DataField) -> int:
    """How many characters of $a are passed over in sorting: indicator 2 of field 245, 0 to 9."""
    indicator = field.indicator(2)
    return int(indicator) if indicator in "0123456789" and field.tag == "245" else 0


def sort_title(field: DataField) -> str:
    """Folded title to sort by, without its article: from the indicator or from non-sorting marks."""
    skipped = nonfiling_characters(field)
    first = next((i for i, (code, _) in enumerate(field.subfields) if code == "a"), None)
    if first is None:
        return fold(f"{main_title(field)} {subtitle(field)}")[:MAX_SORT_TITLE].rstrip()
    whole = field.subfields[first].value
    value = _NON_SORTING.sub("", whole)
    if value == whole and skipped < len(value.strip()):
        value = value[skipped:]
    bare = field._replace(
        subfields=(
            *field.subfields[:first],
            field.subfields[first]._replace(value=value),
            *field.subfields[first + 1 :],
        )
    )
    key = fold(f"{main_title(bare)} {subtitle(bare)}")
    # A title of signs alone ("!!!") folds to nothing; it sorts by itself then.
    return (key or main_title(field).casefold())[:MAX_SORT_TITLE].rstrip()
