"""The code lists of MARC 21 as far as the demo's books need them, and the words that go with them.

Sources: MARC Code List for Languages, MARC Code List for Countries, MARC 21 Format for Bibliographic Data
(008 of books). A code that a book needs and that is not here stops the build.
"""

from __future__ import annotations

from dataclasses import dataclass

#: MARC language code -> the name that a uniform title ($l) and a note use.
LANGUAGES: dict[str, str] = {
    "akk": "Akkadian",
    "ang": "English (Old)",
    "ara": "Arabic",
    "chi": "Chinese",
    "cze": "Czech",
    "dan": "Danish",
    "dut": "Dutch",
    "eng": "English",
    "enm": "English (Middle)",
    "fre": "French",
    "ger": "German",
    "grc": "Greek",
    "heb": "Hebrew",
    "ita": "Italian",
    "jpn": "Japanese",
    "kor": "Korean",
    "lat": "Latin",
    "nor": "Norwegian",
    "pol": "Polish",
    "por": "Portuguese",
    "rus": "Russian",
    "spa": "Spanish",
    "swe": "Swedish",
    "tur": "Turkish",
}

#: Languages whose writers are named family name first, also on the title page.
FAMILY_NAME_FIRST = frozenset({"chi", "jpn", "kor"})

#: Initial articles, which filing skips. An article that ends in an apostrophe is joined to its word.
ARTICLES: dict[str, tuple[str, ...]] = {
    "dan": ("den", "det", "de", "en", "et"),
    "dut": ("de", "het", "een"),
    "eng": ("the", "an", "a"),
    "fre": ("l'", "les", "le", "la", "une", "un"),
    "ger": ("der", "die", "das", "eine", "ein"),
    "ita": ("gli", "l'", "il", "lo", "la", "le", "i", "una", "uno", "un'", "un"),
    "nor": ("den", "det", "de", "en", "et"),
    "por": ("os", "as", "o", "a", "uma", "um"),
    "spa": ("los", "las", "el", "la", "una", "un"),
    "swe": ("den", "det", "de", "en", "ett"),
}

#: 008/15-17 where the place is not known.
NO_COUNTRY = "xx "

#: Place of publication as the book states it -> MARC country code.
COUNTRIES: dict[str, str] = {
    "Amsterdam": "ne ",
    "Barcelona": "sp ",
    "Berkeley, California": "cau",
    "Berlin": "gw ",
    "Bologna": "it ",
    "Boston": "mau",
    "Bristol": "enk",
    "Brooklyn, New York": "nyu",
    "Bruxelles": "be ",
    "Buenos Aires": "ag ",
    "Cambridge": "enk",
    "Cambridge, Massachusetts": "mau",
    "Cheshire, Connecticut": "ctu",
    "Chicago": "ilu",
    "Edinburgh": "stk",
    "Englewood Cliffs, New Jersey": "nju",
    "Firenze": "it ",
    "Garden City, New York": "nyu",
    "Genève": "sz ",
    "Gotha": "gw ",
    "Hamburg": "gw ",
    "Harmondsworth": "enk",
    "Hartford, Connecticut": "ctu",
    "København": "dk ",
    "Leipzig": "gw ",
    "Lisboa": "po ",
    "London": "enk",
    "Madrid": "sp ",
    "Milano": "it ",
    "Moskva": "ru ",
    "México": "mx ",
    "München": "gw ",
    "Neuwied am Rhein": "gw ",
    "New Delhi": "ii ",
    "New Haven": "ctu",
    "New York": "nyu",
    "Northampton, Massachusetts": "mau",
    "Nürnberg": "gw ",
    "Oxford": "enk",
    "Paris": "fr ",
    "Paryż": "fr ",
    "Philadelphia": "pau",
    "Princeton, New Jersey": "nju",
    "Reading, Massachusetts": "mau",
    "Redmond, Washington": "wau",
    "Riga": "lv ",
    "Rio de Janeiro": "bl ",
    "Roma": "it ",
    "San Diego": "cau",
    "San Francisco": "cau",
    "Sankt-Peterburg": "ru ",
    "Santiago de Chile": "cl ",
    "Seattle": "wau",
    "Stockholm": "sw ",
    "Stuttgart": "gw ",
    "Torino": "it ",
    "Toronto": "onc",
    "Tournai": "be ",
    "Tübingen": "gw ",
    "Tōkyō": "ja ",
    "Upper Saddle River, New Jersey": "nju",
    "Zürich": "sz ",
}


@dataclass(frozen=True, slots=True)
class Form:
    """What 008 says of a kind of book: literary form (33), biography (34), comics (24)."""

    literary: str
    biography: str = " "
    comic: bool = False


FORMS: dict[str, Form] = {
    "novel": Form("1"),
    "stories": Form("j"),
    "drama": Form("d"),
    "poetry": Form("p"),
    "essays": Form("e"),
    "nonfiction": Form("0"),
    "autobiography": Form("0", biography="a"),
    "biography": Form("0", biography="b"),
    "comic": Form("1", comic=True),
    "nonfiction comic": Form("0", biography="|", comic=True),
}


@dataclass(frozen=True, slots=True)
class Audience:
    """The code of 008/22 and the words of 521."""

    code: str
    words: str


AUDIENCES: dict[str, Audience] = {
    "preschool": Audience("a", "Preschool children."),
    "juvenile": Audience("j", "Children."),
    "young adult": Audience("d", "Young adults."),
}

#: Subdivisions of a subject heading that say what the book is ($v).
FORM_SUBDIVISIONS = frozenset(
    {
        "Biography",
        "Case studies",
        "Comic books, strips, etc.",
        "Diaries",
        "Drama",
        "Early works to 1800",
        "Fiction",
        "Humor",
        "Juvenile fiction",
        "Literary collections",
        "Personal narratives",
        "Personal narratives, English",
        "Poetry",
        "Popular works",
        "Sources",
        "Translations into English",
        "Trials, litigation, etc.",
    }
)

#: Subdivisions of a subject heading that are places ($z).
PLACE_SUBDIVISIONS = frozenset(
    {
        "Africa",
        "Amsterdam",
        "Andalusia",
        "Arab countries",
        "British Columbia",
        "California",
        "England",
        "Europe",
        "France",
        "Germany",
        "Great Britain",
        "Idaho",
        "India",
        "Iran",
        "Italy",
        "Jerusalem",
        "Kansas",
        "London",
        "Los Angeles",
        "Maryland",
        "Massachusetts",
        "Milan",
        "Netherlands",
        "New York",
        "New York (State)",
        "Paris",
        "Poland",
        "Rome",
        "Russia",
        "Rwanda",
        "San Francisco",
        "South Africa",
        "Soviet Union",
        "Spain",
        "Tanzania",
        "United States",
        "Vietnam",
        "Walden Woods",
        "Western Front",
        "Yoho National Park",
    }
)

#: Subdivisions that are periods ($y) though they hold no year.
PERIOD_SUBDIVISIONS = frozenset({"Cambrian"})
