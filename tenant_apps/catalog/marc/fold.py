"""Text for people (cleaned) and text for matching (folded). Pure Python, one table lookup per character."""

import re
import unicodedata

# Combining marks that are dropped when text is matched: Latin, Greek and Cyrillic accents, Hebrew niqqud and
# cantillation, Arabic harakat and Quranic marks. Marks of other scripts (Devanagari vowels, kana voicing) are
# letters there and stay.
_DROPPED_MARKS = (
    (0x02B0, 0x02FF),  # modifier letters: ayn, alif and soft sign of romanised Arabic, Hebrew and Cyrillic
    (0x0300, 0x036F),
    (0x0483, 0x0487),
    (0x0591, 0x05BD),
    (0x05BF, 0x05BF),
    (0x05C1, 0x05C2),
    (0x05C4, 0x05C5),
    (0x05C7, 0x05C7),
    (0x0610, 0x061A),
    (0x0640, 0x0640),  # tatweel, which only stretches a word
    (0x064B, 0x065F),
    (0x0670, 0x0670),
    (0x06D6, 0x06DC),
    (0x06DF, 0x06E4),
    (0x06E7, 0x06E8),
    (0x06EA, 0x06ED),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFB1E, 0xFB1E),
    (0xFE20, 0xFE2F),
)
# Letters with a stroke or joined ones, which Unicode does not decompose.
_LETTERS = {
    "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "\u0131": "i", "ł": "l",
    "ŧ": "t",
    "ŋ": "n", "ĸ": "k", "ƀ": "b", "ɓ": "b", "ƈ": "c", "ɖ": "d", "ɗ": "d", "ƙ": "k", "ɨ": "i",
    "ơ": "o", "ư": "u", "ə": "e", "ɛ": "e", "ɔ": "o",
}  # fmt: skip
_MAX_TABLE = 20_000  # entries; hostile text cannot make the table grow without end
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
# Characters that no shown text needs: C0 and C1 controls, bidirectional overrides and isolates, the byte
# order mark, line and paragraph separators, noncharacters, lone surrogates.
_UNSHOWN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    r"\ufffe\uffff\ud800-\udfff]+"
)
_BLANKS = re.compile(r"\s+")


def clean_text(text: str, limit: int) -> str:
    """Text to show: NFC, no control or direction characters, single blanks, at most `limit` long."""
    if len(text) > 8 * limit:
        text = text[: 8 * limit]  # normalising megabytes to keep a line is wasted work
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text.isprintable():
        # The non-sorting marks U+0098 and U+009C stand inside a word; other controls divide words.
        text = _UNSHOWN.sub(" ", text.replace("\x98", "").replace("\x9c", ""))
    text = _BLANKS.sub(" ", text).strip()
    return text[:limit].rstrip() if len(text) > limit else text


def fold(text: str) -> str:
    """Text to match by: NFC, case, accents, niqqud and harakat folded, punctuation to single blanks.

    "L'Été  à Paris" and "l ete a paris" fold alike; fold(fold(x)) == fold(x). Kana, Hangul, Indic and Chinese
    text keeps its letters. The result holds no leading, trailing or double blank.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    folded = text.translate(_TABLE)
    if not folded.isascii():
        folded = unicodedata.normalize("NFC", folded)
    return " ".join(folded.split())


def normalise_name(name: str, dates: str = "") -> str:
    """The key that tells one person or body from another: folded name and dates, at most 300 characters.

    Dates are part of it, since two people of one name are worse merged than one person kept twice. A name of
    signs alone (the band "!!!") is its own key. Empty only for a name of blanks.
    """
    key = fold(name) or " ".join(name.casefold().split())
    return f"{key} {fold(dates)}"[:MAX_NAME_KEY].strip() if key else ""


MAX_NAME_KEY = 300


def search_words(text: str) -> str:
    """Folded text with each run of Chinese or Japanese as overlapping pairs: these scripts have no blanks."""
    folded = fold(text)
    return folded if folded.isascii() else " ".join(_CJK.sub(_bigrams, folded).split())


def _bigrams(match: re.Match[str]) -> str:
    run = match[0]
    if len(run) == 1:
        return f" {run} "
    return f" {' '.join(run[i : i + 2] for i in range(len(run) - 1))} "


class _FoldTable(dict[int, str]):
    """Folded form of each character, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        folded = _fold_character(chr(code))
        if len(self) < _MAX_TABLE:
            self[code] = folded
        return folded


def _fold_character(character: str) -> str:
    decomposed = unicodedata.normalize("NFKD", character).casefold()
    # Casefolding can decompose further ("İ"), so marks are dropped after it.
    return "".join(_fold_part(part) for part in unicodedata.normalize("NFKD", decomposed))


def _fold_part(part: str) -> str:
    code = ord(part)
    if any(low <= code <= high for low, high in _DROPPED_MARKS):
        return ""
    kind = unicodedata.category(part)
    if kind == "Cf":  # soft hyphen, joiners, direction marks: invisible inside words
        return ""
    if kind[0] in "PSZC":
        return " "
    return _LETTERS.get(part, part)


_TABLE = _FoldTable()
