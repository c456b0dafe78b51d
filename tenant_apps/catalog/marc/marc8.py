"""MARC-8 to Unicode, strictly: a byte without a meaning is an error, never a blank.

Source: "MARC 21 Specifications for Record Structure, Character Sets and Exchange Media", character sets
part 2 (Library of Congress). The code tables are pymarc's; its converter is not used, because it writes a
blank for what it does not know, drops combining marks without a letter, and control characters.
"""

import re
import unicodedata

from pymarc.marc8_mapping import CODESETS, ODD_MAP

_ESCAPE = 0x1B
_ASCII = 0x42  # "B"
_ANSEL = 0x45  # "E"
_EACC = 0x31  # "1", the only set with three bytes to a character
_RESET = 0x73  # "s", back to ASCII after superscript, subscript or Greek symbols
# MARC-8 has no mark without a letter after it; Latin-1 and Windows text taken for MARC-8 often ends so.
_LOOSE_MARK = "combining mark without a letter"
_SINGLE_G0 = b"(,"
_SINGLE_G1 = b")-"
# Without an escape the text is ASCII and ANSEL: most of what there is, so done by whole strings.
_ANSEL_MARKS = "".join(chr(code) for code, (_, is_mark) in CODESETS[_ANSEL].items() if is_mark)
_ANSEL_TABLE = {code: chr(point) for code, (point, _) in CODESETS[_ANSEL].items()}
_MARKS_FIRST = re.compile(f"([{_ANSEL_MARKS}]+)([^{_ANSEL_MARKS}])")
_UNKNOWN = re.compile(
    "[" + "".join(re.escape(chr(code)) for code in range(0x80, 0x100) if code not in _ANSEL_TABLE) + "]"
)
# Characters outside MARC-8 travel as numeric references (same source, "Lossless conversion").
_REFERENCE = re.compile(r"&#x([0-9A-Fa-f]{2,6});")


class Marc8Error(ValueError):
    """Bytes that mean nothing in MARC-8. `position` counts from the start of the decoded bytes, from 0."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"byte {position}: {reason}")
        self.position = position
        self.reason = reason


def decode_marc8(data: bytes) -> str:
    """Decode one subfield or control field; character sets start at their defaults. Returns NFC text.

    Raises Marc8Error at the first byte or escape without a meaning.
    """
    if data.isascii() and _ESCAPE not in data:
        text = data.decode("ascii")
    else:
        text = unicodedata.normalize(
            "NFC", _Decoder(data).decode() if _ESCAPE in data else _decode_ansel(data)
        )
    return _REFERENCE.sub(_dereference, text) if "&#x" in text else text


def _decode_ansel(data: bytes) -> str:
    text = data.decode("latin-1")
    unknown = _UNKNOWN.search(text)
    if unknown:
        raise Marc8Error(unknown.start(), f"0x{ord(unknown[0]):02X} is not in character set 'E'")
    if text[-1] in _ANSEL_MARKS:
        raise Marc8Error(len(text) - 1, _LOOSE_MARK)
    return _MARKS_FIRST.sub(r"\2\1", text).translate(_ANSEL_TABLE)


def _dereference(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    # Below 0xA0 a reference could smuggle in delimiters; surrogates and beyond are no characters.
    if code < 0xA0 or 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
        return match[0]
    return chr(code)


class _Decoder:
    """Walks over the bytes once, with the two working sets G0 (low bytes) and G1 (high bytes)."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.g0 = _ASCII
        self.g1 = _ANSEL
        self.out: list[str] = []
        self.marks: list[str] = []  # MARC-8 puts combining marks before their letter, Unicode after it

    def decode(self) -> str:
        while self.position < len(self.data):
            if self.data[self.position] == _ESCAPE:
                self._escape()
            else:
                self._character()
        if self.marks:
            raise Marc8Error(len(self.data) - 1, _LOOSE_MARK)
        return "".join(self.out)

    def _escape(self) -> None:
        start = self.position
        intermediate = self.data[start + 1 : start + 4]
        if intermediate[:1] and intermediate[0] in b"gbps":
            self.g0 = _ASCII if intermediate[0] == _RESET else intermediate[0]
            self.position += 2
            return
        skip = 1
        multibyte = intermediate[:1] == b"$"
        if multibyte:
            skip += 1
        which = self.data[start + skip : start + skip + 1]
        to_g1 = which != b"" and which in _SINGLE_G1
        if to_g1 or (which != b"" and which in _SINGLE_G0):
            skip += 1
        elif not multibyte:
            raise Marc8Error(start, "unknown escape sequence")
        if self.data[start + skip : start + skip + 1] == b"!":  # ANSEL may be written "!E"
            skip += 1
        final = self.data[start + skip : start + skip + 1]
        if not final or final[0] not in CODESETS or multibyte != (final[0] == _EACC):
            raise Marc8Error(start, "unknown escape sequence")
        if to_g1:
            self.g1 = final[0]
        else:
            self.g0 = final[0]
        self.position = start + skip + 1

    def _character(self) -> None:
        start = self.position
        byte = self.data[start]
        charset = self.g1 if byte >= 0x80 else self.g0
        if byte < 0x21 or (
            byte == 0x7F and charset == _ASCII
        ):  # blanks and controls are the same in every set
            self._emit(chr(byte), is_mark=False)
            self.position += 1
        elif 0x80 <= byte < 0xA0:  # C1 controls: only the four that ANSEL defines
            self._lookup(byte, _ANSEL, 1)
        elif charset == _EACC:
            triple = self.data[start : start + 3]
            if len(triple) < 3:
                raise Marc8Error(start, "East Asian character cut off")
            self._lookup(int.from_bytes(triple, "big") & 0x7F7F7F, _EACC, 3)
        else:
            self._lookup(byte, charset, 1)

    def _lookup(self, code: int, charset: int, width: int) -> None:
        table = CODESETS[charset]
        # A set may be invoked as G0 or as G1: the same character with the high bit off or on.
        found = table.get(code) or (table.get(code ^ 0x80) if width == 1 else None)
        if found is None and code in ODD_MAP:
            found = (ODD_MAP[code], 0)
        if found is None:
            raise Marc8Error(
                self.position, f"0x{code:0{2 * width}X} is not in character set {chr(charset)!r}"
            )
        self._emit(chr(found[0]), is_mark=bool(found[1]))
        self.position += width

    def _emit(self, character: str, *, is_mark: bool) -> None:
        if is_mark:
            self.marks.append(character)
            return
        self.out.append(character)
        if self.marks:
            self.out.extend(self.marks)
            self.marks.clear()
