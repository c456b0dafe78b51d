"""MARC-8: every byte has a meaning or is an error. Examples from the Library of Congress's specification."""

# ruff: noqa: RUF001 - text in other scripts is what is tested

import pytest
from pymarc import marc8_to_unicode

from tenant_apps.catalog.marc.marc8 import Marc8Error, decode_marc8

ESC = b"\x1b"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"plain ASCII", "plain ASCII"),
        (b"\xe2etude", "étude"),
        (b"Universit\xe2e de Gen\xe1eve", "Université de Genève"),
        (b"\xf2\xe3o", "ộ"),  # two marks on one letter
        (b"\xa5 \xb5 \xa1 \xc7", "Æ æ Ł ß"),
        (b"\xc3 1999 \xa9", "© 1999 ♭"),
        (b"\x88Le \x89petit", "\x98Le \x9cpetit"),  # non-sorting marks
        (ESC + b"(2" + b"ylg" + ESC + b"(B", "שלח"),
        (ESC + b")2" + b"\xf9\xec\xe7", "שלח"),  # Hebrew as G1: the same letters with the high bit
        (ESC + b"(N" + b"kNIGA" + ESC + b"(B book", "Книга book"),
        (b"H" + ESC + b"b2" + ESC + b"sO", "H₂O"),
        (b"x" + ESC + b"p2" + ESC + b"s", "x²"),
        (ESC + b"ga" + ESC + b"s-ray", "α-ray"),
        (ESC + b"$1" + b"!0i" + b" " + b"!0i" + ESC + b"(B", "仄 仄"),
        (ESC + b"$,1" + b"!0i", "仄"),
        (ESC + b"$)1" + b"\xa1\xb0\xe9", "仄"),
        (ESC + b"$1" + b"! =", "\u2026"),  # in use, though in no table of the Library of Congress
        (ESC + b")!E" + b"\xe2e", "é"),
        (b"A &#x4EBA; B", "A 人 B"),
    ],
)
def test_text_is_decoded_and_normalised(data, text):
    assert decode_marc8(data) == text


@pytest.mark.parametrize(
    "reference", ["&#x1F;", "&#x00;", "&#x26;", "&#xD800;", "&#x110000;", "&#xZZ;", "&#x;"]
)
def test_references_to_delimiters_and_to_nothing_stay_text(reference):
    assert decode_marc8(f"a{reference}b".encode()) == f"a{reference}b"


@pytest.mark.parametrize(
    ("data", "position"),
    [
        (b"ab\xff", 2),  # no such ANSEL character
        (b"ab\x80c", 2),
        (b"\xe9", 0),  # mark without a letter: Latin-1 "é" at the end of a word
        (b"caf\xe9", 3),
        (b"abc" + ESC + b"Q?", 3),
        (b"abc" + ESC, 3),
        (b"abc" + ESC + b"(", 3),
        (b"abc" + ESC + b"(Z", 3),
        (b"abc" + ESC + b"$", 3),
        (b"abc" + ESC + b"$2", 3),  # Hebrew has one byte a letter
        (b"abc" + ESC + b"(1", 3),  # East Asian has three
        (ESC + b"$1!0", 3),
        (ESC + b"$1{69", 3),
        (ESC + b"(2ye\x7fz", 5),
        (ESC + b"(B\xe2", 3),
    ],
)
def test_a_byte_without_a_meaning_is_an_error_with_its_position(data, position):
    with pytest.raises(Marc8Error) as caught:
        decode_marc8(data)
    assert caught.value.position == position
    assert f"byte {position}" in str(caught.value)


def test_the_unknown_is_never_a_blank_as_in_pymarc():
    assert marc8_to_unicode(b"ab\xffcd", hide_utf8_warnings=True) == "ab cd"
    with pytest.raises(Marc8Error, match="0xFF is not in character set 'E'"):
        decode_marc8(b"ab\xffcd")


def test_the_two_ways_through_agree_on_every_ansel_byte():
    """Text without escapes takes a short cut; a harmless escape before it takes the long way."""
    for byte in range(0x20, 0x100):
        data = bytes([byte]) + b"a"
        outcomes = []
        for given in (data, ESC + b"(B" + data):
            try:
                outcomes.append(decode_marc8(given))
            except Marc8Error as error:
                outcomes.append(error.reason)
        assert outcomes[0] == outcomes[1], hex(byte)
