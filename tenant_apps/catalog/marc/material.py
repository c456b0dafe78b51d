"""The material type of a record. Source: MARC 21 bibliographic, leader/06-07, 007/00-01, 008 by material."""

from .facts import MaterialType
from .record import TagIndex

_BY_LEADER = {
    "a": MaterialType.BOOK,
    "t": MaterialType.MANUSCRIPT,
    "c": MaterialType.SCORE,
    "d": MaterialType.SCORE,
    "e": MaterialType.MAP,
    "f": MaterialType.MAP,
    "g": MaterialType.FILM,
    "i": MaterialType.AUDIOBOOK,
    "j": MaterialType.MUSIC,
    "k": MaterialType.PICTURE,
    "m": MaterialType.SOFTWARE,
    "o": MaterialType.KIT,
    "p": MaterialType.OTHER,
    "r": MaterialType.THING,
}
_ONLINE_FORMS = "oqs"  # 008/23: online, direct electronic, electronic
_SERIAL_LEVELS = "bis"  # leader/07: part of a serial, integrating resource, serial
_PICTURES = "acikpst"  # 008/33: art, chart, picture, photograph, slide, transparency and the like
_VISUAL_GAME = "g"  # 008/33
_COMPUTER_GAME = "g"  # 008/26
_COMPUTER_DOCUMENTS = "de"  # 008/26: document, bibliographic data


def material_type(leader: str, index: TagIndex) -> MaterialType:
    """Material type from the coded fields alone; OTHER where leader/06 says nothing known."""
    kind = _BY_LEADER.get(leader[6], MaterialType.OTHER)
    coded = index.control("008")
    if kind is MaterialType.BOOK:
        if leader[7] in _SERIAL_LEVELS:
            return MaterialType.SERIAL
        return MaterialType.EBOOK if _is_online(coded, index) else kind
    if kind is MaterialType.SOFTWARE:
        return _computer_file(coded[26:27])
    if kind is MaterialType.FILM:
        return MaterialType.PICTURE if _is_in(coded[33:34], _PICTURES) else kind
    if kind is MaterialType.THING:
        return MaterialType.GAME if coded[33:34] == _VISUAL_GAME else kind
    return kind


def _is_online(coded: str, index: TagIndex) -> bool:
    if _is_in(coded[23:24], _ONLINE_FORMS):
        return True
    # 007 "cr" is a remote computer file; 338 "cr" the same in RDA.
    if index.control("007")[:2] == "cr":
        return True
    return any("cr" in field.values("b") for field in index.data("338"))


def _computer_file(code: str) -> MaterialType:
    if code == _COMPUTER_GAME:
        return MaterialType.GAME
    return MaterialType.EBOOK if _is_in(code, _COMPUTER_DOCUMENTS) else MaterialType.SOFTWARE


def _is_in(code: str, codes: str) -> bool:
    return code != "" and code in codes
