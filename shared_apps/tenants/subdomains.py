"""What a library's subdomain may be. Pure: no database, no clock.

A subdomain is stored and looked up as one lower-case label in the form that DNS uses: ASCII, or the `xn--`
form of an internationalised name (IDNA 2008, RFC 5890 to 5893, after the mapping of UTS 46). The rules on
scripts follow UTS 39, "Unicode Security Mechanisms": one script in a label, out of those recommended for
identifiers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal, get_args

import idna
from django.utils.translation import gettext_lazy

from shared_apps.tenants.reserved_names import is_reserved

Reason = Literal[
    "too_short", "too_long", "bad_characters", "reserved", "mixed_script", "taken", "recently_closed"
]
REASONS: tuple[Reason, ...] = get_args(Reason)

_TEXTS: dict[Reason, object] = {
    "too_short": gettext_lazy("The address needs at least 3 characters."),
    "too_long": gettext_lazy("The address may have 40 characters at most."),
    "bad_characters": gettext_lazy(
        "Use letters, digits and single hyphens between them, and at least one letter."
    ),
    "reserved": gettext_lazy("This address is reserved."),
    "mixed_script": gettext_lazy("Use letters of one alphabet that cannot be taken for another's."),
    "taken": gettext_lazy("This address is taken."),
    "recently_closed": gettext_lazy("This address belonged to a library that closed not long ago."),
}

MIN_LENGTH, MAX_LENGTH = 3, 40
MAX_DNS_LENGTH = 63
MAX_SUGGESTIONS = 5
_MAX_INPUT = 255
_MAX_CANDIDATES = 10

# First words of Unicode character names, by script: the recommended scripts of UAX 31, table 5.
_SCRIPT_NAMES = """
    ARABIC ARMENIAN BENGALI BOPOMOFO CYRILLIC DEVANAGARI ETHIOPIC GEORGIAN GREEK GUJARATI GURMUKHI HANGUL
    HEBREW HIRAGANA KANNADA KATAKANA KHMER LAO LATIN MALAYALAM MYANMAR ORIYA SINHALA TAMIL TELUGU THAANA
    THAI TIBETAN
"""
_SCRIPTS = frozenset(_SCRIPT_NAMES.split())
_HAN = {"CJK", "IDEOGRAPHIC"}
# Scripts that one language writes together (UTS 39, section 5.2, without Latin).
_WRITTEN_TOGETHER = (
    frozenset({"HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"HAN", "HANGUL"}),
    frozenset({"HAN", "BOPOMOFO"}),
)
# Letters of other scripts that a reader takes for Latin ones; a label made of them alone is refused.
_LOOKS_LATIN = frozenset("асԁеԍһіјӏорԗԛѕтԝхукҽпгѵѡανικορτυχωγηεβսօոհցզրյլգ")
# Latin letters that pass for an ASCII one without being it plus an accent.
_LATIN_TWINS = str.maketrans(
    "ıɩɪɑɡɢłʟøðđħŧʀɴʏƴʋƨꜱƅʙƿþʜŋᴀᴄᴅᴇꜰᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢɣỿꞙꭒꬽƍ",
    "iiiaggllodd" + "htrnyyvssbbpphnacdefjkmoptuvwzyyfuog",
)


class SubdomainRefused(ValueError):
    """The name breaks a rule; `reason` is its code."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def explain(reason: Reason) -> str:
    """A reason in words, in the current language."""
    return str(_TEXTS[reason])


def normalise(wanted: str) -> str:
    """Return the label under which a wanted name is stored: `riverside`, or `xn--mnchen-3ya` for München.

    Raises SubdomainRefused with the reason `too_short`, `too_long`, `bad_characters`, `mixed_script` or
    `reserved`.
    """
    name = _mapped(wanted)
    _check_form(name)
    _check_scripts(name)
    if is_reserved(_skeleton(name)):
        raise SubdomainRefused("reserved")
    if not name.isascii() and len("xn--") + len(name.encode("punycode")) > MAX_DNS_LENGTH:
        raise SubdomainRefused("too_long")
    try:
        return idna.alabel(name).decode("ascii")
    except idna.IDNAError as error:
        raise SubdomainRefused("bad_characters") from error


def display(label: str) -> str:
    """Return a stored label as people read it, `münchen` for `xn--mnchen-3ya`; other text stays as it is."""
    try:
        return idna.ulabel(label)
    except idna.IDNAError:
        return label


def lookalike(label: str) -> str:
    """Return the plain label that a hurried reader takes a stored one for: `riverside` for that of `ríverside`.

    A label that reads as itself, or like nothing in ASCII, comes back as it is.
    """
    plain = _skeleton(display(label))
    return plain if plain.isascii() else label


def suggestions(wanted: str, is_free: Callable[[str], bool]) -> list[str]:
    """Return up to five names, as people read them, that pass the rules and that `is_free` accepts.

    `is_free` gets stored labels and is asked at most ten times: one request costs few look-ups.
    """
    found: list[str] = []
    for label in _candidates(wanted):
        if is_free(label):
            found.append(display(label))
        if len(found) == MAX_SUGGESTIONS:
            break
    return found


# -- rules -----------------------------------------------------------------------------------------------


def _mapped(wanted: str) -> str:
    """The name in Unicode after the mapping of UTS 46: lower case, full-width forms made plain, NFC."""
    text = wanted.strip()
    if len(text) > _MAX_INPUT:
        raise SubdomainRefused("too_long")
    if not text:
        raise SubdomainRefused("too_short")
    try:
        # The Turkish capital I has a dot of its own, which UTS 46 would keep as a separate mark.
        name = idna.uts46_remap(text.replace("\u0130", "i"), std3_rules=True)
        return idna.ulabel(name) if name.startswith("xn--") else name
    except idna.IDNAError as error:
        raise SubdomainRefused("bad_characters") from error


def _check_form(name: str) -> None:
    if len(name) < MIN_LENGTH:
        raise SubdomainRefused("too_short")
    if len(name) > MAX_LENGTH:
        raise SubdomainRefused("too_long")
    if name.startswith("-") or name.endswith("-") or "--" in name:
        raise SubdomainRefused("bad_characters")
    if not all(_is_allowed(char) for char in name) or _has_stray_mark(name):
        raise SubdomainRefused("bad_characters")
    # A host name of digits alone reads as a part of an IP address.
    if not any(unicodedata.category(char).startswith("L") for char in name):
        raise SubdomainRefused("bad_characters")


def _is_allowed(char: str) -> bool:
    if char.isascii():
        return char.islower() or char.isdigit() or char == "-"
    return unicodedata.category(char)[0] in "LMN" and (_script(char) is not None or _is_mark(char))


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) in {"Mn", "Mc"}


def _has_stray_mark(name: str) -> bool:
    """Whether a Latin letter carries a mark that Unicode has no composed letter for."""
    return any(_is_mark(mark) and _script(letter) == "LATIN" for letter, mark in pairwise(name))


def _script(char: str) -> str | None:
    """Script of a letter, digit or mark, by the first word of its name; None for shared and rare ones."""
    first = re.split(r"[ -]", unicodedata.name(char, ""), maxsplit=1)[0]
    if first in _HAN:
        return "HAN"
    return first if first in _SCRIPTS else None


def _check_scripts(name: str) -> None:
    letters = [char for char in name if not char.isdecimal() and char != "-"]
    scripts = {script for char in letters if (script := _script(char)) is not None}
    if any(char.isascii() and char.isalpha() for char in name):
        scripts.add("LATIN")
    if len(scripts) > 1 and not any(scripts <= together for together in _WRITTEN_TOGETHER):
        raise SubdomainRefused("mixed_script")
    if scripts != {"LATIN"} and all(char in _LOOKS_LATIN for char in letters):
        raise SubdomainRefused("mixed_script")


def _skeleton(name: str) -> str:
    """The ASCII name that a hurried reader sees: without accents, with twin letters and digits made plain."""
    plain = unicodedata.normalize("NFD", name.translate(_LATIN_TWINS))
    return "".join(char for char in plain if not _is_mark(char)).translate(_LATIN_TWINS)


# -- suggestions -----------------------------------------------------------------------------------------


def _candidates(wanted: str) -> Iterator[str]:
    """At most ten stored labels like `wanted`, each once and each within the rules."""
    seen: set[str] = set()
    for text in _variants(_base(wanted)):
        try:
            label = normalise(text)
        except SubdomainRefused:
            continue
        if label not in seen:
            seen.add(label)
            yield label
        if len(seen) == _MAX_CANDIDATES:
            return


def _base(wanted: str) -> str:
    """What can be kept of a wanted name: itself where it is a good label, else its letters and digits."""
    try:
        return display(normalise(wanted))
    except SubdomainRefused as refusal:
        if refusal.reason == "reserved":
            return _skeleton(_mapped(wanted))
    plain = unicodedata.normalize("NFKD", wanted[:_MAX_INPUT].casefold().translate(_LATIN_TWINS))
    words = re.findall(r"[a-z0-9]+", "".join(char for char in plain if not _is_mark(char)))
    return "-".join(words)[:MAX_LENGTH].strip("-") if words else "library"


def _variants(base: str) -> Iterator[str]:
    yield base
    # Latin words beside another script would mix scripts: only numbers follow such a name.
    if base.isascii() or _script(base[0]) == "LATIN":
        short = base[: MAX_LENGTH - len("library-")].strip("-")
        yield f"{short}-library"
        yield f"{short}-lib"
        yield f"{short}-books"
        yield f"library-{short}"
        yield f"{short}-reads"
    room = base[: MAX_LENGTH - 3].strip("-")
    for number in range(2, 10):
        yield f"{room}-{number}"
