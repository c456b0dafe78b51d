"""MARC language codes as people and browsers know them."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# MARC code list for languages (Library of Congress) -> BCP 47 tag and name. Others show their code, which is
# a valid BCP 47 tag as well: all languages whose MARC code is not are in this table.
LANGUAGES: dict[str, tuple[str, Promise]] = {
    "alb": ("sq", _("Albanian")),
    "ara": ("ar", _("Arabic")),
    "arm": ("hy", _("Armenian")),
    "baq": ("eu", _("Basque")),
    "bul": ("bg", _("Bulgarian")),
    "bur": ("my", _("Burmese")),
    "cat": ("ca", _("Catalan")),
    "chi": ("zh", _("Chinese")),
    "cze": ("cs", _("Czech")),
    "dan": ("da", _("Danish")),
    "dut": ("nl", _("Dutch")),
    "eng": ("en", _("English")),
    "est": ("et", _("Estonian")),
    "fin": ("fi", _("Finnish")),
    "fre": ("fr", _("French")),
    "geo": ("ka", _("Georgian")),
    "ger": ("de", _("German")),
    "gle": ("ga", _("Irish")),
    "gre": ("el", _("Greek")),
    "grc": ("grc", _("Ancient Greek")),
    "heb": ("he", _("Hebrew")),
    "hin": ("hi", _("Hindi")),
    "hrv": ("hr", _("Croatian")),
    "hun": ("hu", _("Hungarian")),
    "ice": ("is", _("Icelandic")),
    "ind": ("id", _("Indonesian")),
    "ita": ("it", _("Italian")),
    "jpn": ("ja", _("Japanese")),
    "kor": ("ko", _("Korean")),
    "lat": ("la", _("Latin")),
    "lav": ("lv", _("Latvian")),
    "lit": ("lt", _("Lithuanian")),
    "mac": ("mk", _("Macedonian")),
    "mao": ("mi", _("Māori")),
    "may": ("ms", _("Malay")),
    "nep": ("ne", _("Nepali")),
    "nor": ("no", _("Norwegian")),
    "per": ("fa", _("Persian")),
    "pol": ("pl", _("Polish")),
    "por": ("pt", _("Portuguese")),
    "rum": ("ro", _("Romanian")),
    "rus": ("ru", _("Russian")),
    "san": ("sa", _("Sanskrit")),
    "slo": ("sk", _("Slovak")),
    "slv": ("sl", _("Slovenian")),
    "spa": ("es", _("Spanish")),
    "srp": ("sr", _("Serbian")),
    "swe": ("sv", _("Swedish")),
    "tib": ("bo", _("Tibetan")),
    "tur": ("tr", _("Turkish")),
    "ukr": ("uk", _("Ukrainian")),
    "vie": ("vi", _("Vietnamese")),
    "wel": ("cy", _("Welsh")),
}
# No language, several, not known: nothing that a browser could be told.
NO_LANGUAGE = frozenset({"", "mul", "und", "zxx", "mis"})
_SPECIAL: dict[str, Promise] = {
    "mul": _("several languages"),
    "und": _("unknown"),
    "zxx": _("no words"),
}


def language_name(code: str) -> str:
    """The name in the active language; the code itself where we know no name."""
    if code in LANGUAGES:
        return str(LANGUAGES[code][1])
    return str(_SPECIAL.get(code, code))


def language_tag(code: str) -> str:
    """The BCP 47 tag for a `lang` attribute, or an empty string where the record names no single language."""
    if code in NO_LANGUAGE or not (len(code) == 3 and code.isascii() and code.isalpha()):
        return ""
    return LANGUAGES[code][0] if code in LANGUAGES else code
