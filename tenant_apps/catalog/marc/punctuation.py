"""Takes off the punctuation that ISBD cataloguing writes at the end of subfields to part them."""

import re

from .fold import clean_text

_LEADING = "/:;=,+ "
_TRAILING = "/:;=,+ "
# Abbreviations whose full stop belongs to the word. Single letters ("J. R. R.", "U.S.A.") are known by shape.
_ABBREVIATIONS = frozenset(
    (
        "al", "approx", "assoc", "aufl", "ausg", "bd", "bros", "ca", "cap", "cf", "ch", "cie", "co", "corp",
        "cur", "dept", "dipl", "div", "dr", "ed", "eds", "esq", "est", "etc", "fasc", "fl", "fr", "ft",
        "gen", "gmbh", "gov", "hon", "hrsg", "illus", "inc", "ing", "inst", "jr", "jun", "lt", "ltd",
        "ltda", "mag", "min", "mr", "mrs", "ms", "mt", "nat", "no", "nos", "nr", "op", "orch", "ph", "phil",
        "pp", "pref", "pres", "prof", "pseud", "pt", "pte", "pty", "rep", "rev", "s/a", "sen", "sgt", "soc",
        "sr", "st", "ste", "suppl", "supt", "trad", "trans", "transl", "univ", "usw", "vol", "vols", "vs",
        "ala", "ariz", "ark", "calif", "colo", "conn", "del", "fla", "ga", "ia", "ill", "ind", "kan", "ky",
        "la", "mass", "md", "mich", "minn", "miss", "mo", "mont", "neb", "nev", "okla", "ont", "or", "pa",
        "que", "tenn", "tex", "va", "wash", "wis", "wyo",
    )
)  # fmt: skip
_LAST_WORD = re.compile(r"([^\s.]+)\.\Z")
_PLACEHOLDER = re.compile(
    r"(?:s\.? ?[ln]|n\.? ?[pd]|(?:place|date|publisher) (?:of publication )?not identified"
    r"|publisher not identified|\u0431\. ?[\u043c\u0438]|o\. ?o)\.?",
    re.IGNORECASE,
)


def clean_isbd(text: str, limit: int) -> str:
    """Text without ISBD punctuation at its ends, unpaired brackets, and a full stop that is not its own.

    "The hobbit /" becomes "The hobbit", "Tolkien, J. R. R." stays, "Poems." becomes "Poems", "Wait..." stays.
    At most `limit` characters, as in clean_text.
    """
    text = clean_text(text, limit).lstrip(_LEADING).rstrip(_TRAILING)
    if text.endswith("."):
        text = _without_full_stop(text).rstrip(_TRAILING)
    return _without_loose_brackets(text) if "[" in text or "]" in text else text


def clean_imprint(text: str, limit: int) -> str:
    """A place or publisher without ISBD punctuation and brackets; empty where the record says "not known"."""
    text = clean_isbd(text, limit)
    if text.startswith("[") and text.endswith("]") and text.count("[") == 1:
        text = clean_isbd(text[1:-1], limit)
    return "" if _PLACEHOLDER.fullmatch(text) else text


def _without_full_stop(text: str) -> str:
    if text.endswith(".."):
        return text
    match = _LAST_WORD.search(text)
    if match is None:
        return text[:-1]
    word = match[1].strip("()[]\"'-")
    # An initial, also behind another full stop or a hyphen ("J.-P."), or the last letter of "U.S.A."
    if (len(word) == 1 and word.isalpha() and not word.islower()) or word.casefold() in _ABBREVIATIONS:
        return text
    return text[:-1]


def _without_loose_brackets(text: str) -> str:
    opened, closed = text.count("["), text.count("]")
    if opened == closed:
        return "" if not text.strip("[] ") else text
    loose = "[" if opened > closed else "]"
    if abs(opened - closed) == 1 and (text.startswith("[") if loose == "[" else text.endswith("]")):
        text = text[1:] if loose == "[" else text[:-1]
    else:
        text = text.replace(loose, "")
    return text.strip()
