"""Year and languages of a record. Source: MARC 21 bibliographic, fields 008, 041, 260 and 264."""

import re
from collections.abc import Iterable

from .limits import MAX_ITEMS
from .record import DataField, TagIndex

# A year outside is a typing error for our purpose: printed and written things that libraries lend or list.
EARLIEST_YEAR = 1000
LATEST_YEAR = 2100
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_BRACKETED = re.compile(r"\[[^\]]*?(?<!\d)(\d{4})(?!\d)")
_MAX_DATE_TEXT = 200  # the pattern above goes back at every bracket
_CODE = re.compile(r"[a-z]{3}\Z")
_NO_LANGUAGE = frozenset(("und", "xxx"))
# Codes that the MARC list replaced (MARC Code List for Languages), and ISO 639-2/T codes where MARC uses /B.
_REPLACED = {
    "ajm": "ale", "cam": "khm", "esk": "ypk", "esp": "epo", "eth": "gez", "far": "fao", "fri": "fry",
    "gae": "gla", "gag": "glg", "gal": "orm", "gua": "grn", "int": "ina", "iri": "gle", "kus": "kos",
    "lan": "oci", "lap": "smi", "max": "glv", "mla": "mlg", "mol": "rum", "sao": "smo", "scc": "srp",
    "scr": "hrv", "sho": "sna", "snh": "sin", "sso": "sot", "swz": "ssw", "tag": "tgl", "taj": "tgk",
    "tar": "tat", "tru": "tuk", "tsw": "tsn", "bod": "tib", "ces": "cze", "cym": "wel", "deu": "ger",
    "ell": "gre", "eus": "baq", "fas": "per", "fra": "fre", "hye": "arm", "isl": "ice", "kat": "geo",
    "mkd": "mac", "mri": "mao", "msa": "may", "mya": "bur", "nld": "dut", "ron": "rum", "slk": "slo",
    "sqi": "alb", "zho": "chi",
}  # fmt: skip


def publication_year(index: TagIndex) -> int | None:
    """Year of publication: date 1 of 008, else the imprint, a date in brackets there before one outside."""
    date1 = index.control("008")[7:11]
    if len(date1) == 4 and date1.isascii() and date1.isdigit() and _is_sane(int(date1)):
        return int(date1)
    for field in imprint_fields(index):
        for text in field.values("c"):
            year = _year_in(text)
            if year is not None:
                return year
    return None


def imprint_fields(index: TagIndex) -> list[DataField]:
    """Fields that name place, publisher and date, those of publication (264, indicator 2 = 1) first."""
    later = index.data("264")
    published = [field for field in later if field.indicator(2) == "1"]
    return [*published, *index.data("260"), *(field for field in later if field.indicator(2) != "1")]


def languages(index: TagIndex) -> tuple[str, ...]:
    """Languages of the text or the sound track, the main one first: 008/35-37, then 041 $a and $d."""
    found = [index.control("008")[35:38]]
    for field in index.data("041"):
        for value in field.values("ad"):
            found.extend(_split_codes(value))
    return tuple(dict.fromkeys(_known(found)))[:MAX_ITEMS]


def _split_codes(value: str) -> Iterable[str]:
    """Old records write several codes in one subfield: "engfre"."""
    value = value.strip()
    return [value] if len(value) % 3 else [value[i : i + 3] for i in range(0, len(value), 3)]


def _known(codes: Iterable[str]) -> Iterable[str]:
    for raw in codes:
        code = raw.lower()
        code = _REPLACED.get(code, code)
        if _CODE.match(code) and code not in _NO_LANGUAGE:
            yield code


def _year_in(text: str) -> int | None:
    # The cataloguer's own date stands in brackets: "2024 [1967]" for a year of another calendar.
    text = text[:_MAX_DATE_TEXT]
    candidates = [*_BRACKETED.findall(text), *_YEAR.findall(text)]
    return next((year for year in map(int, candidates) if _is_sane(year)), None)


def _is_sane(year: int) -> bool:
    return EARLIEST_YEAR <= year <= LATEST_YEAR
