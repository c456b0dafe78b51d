"""Text to show and text to match by."""

# ruff: noqa: RUF001 - text in other scripts is what is tested

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenant_apps.catalog.marc import clean_text, fold, normalise_name, search_words


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", ""),
        ("  The  Hobbit ", "the hobbit"),
        ("L'Été à Paris!", "l ete a paris"),
        ("L\u2019e\u0301te\u0301", "l ete"),
        ("STRASSE straße", "strasse strasse"),
        ("İstanbul ısı", "istanbul isi"),
        ("Ærø Œuvre Łódź Þór Đorđe", "aero oeuvre lodz thor dorde"),
        ("ﬁlm ＡＢＣ", "film abc"),
        ("ΟΔΥΣΣΕΥΣ Ὀδύσσεια", "οδυσσευσ οδυσσεια"),
        ("Ёлка и Йод", "елка и иод"),
        ("שָׁלוֹם", "שלום"),
        ("הספר־הטוב", "הספר הטוב"),
        ("اَلْكِتَابُ", "الكتاب"),
        ("كـــتاب", "كتاب"),
        ("أحمد إبراهيم", "احمد ابراهيم"),
        ("ʻAbd al-Raḥmān", "abd al rahman"),
        ("Dostoevskiĭ, Fëdor", "dostoevskii fedor"),
        ("नेपाली कथा", "नेपाली कथा"),
        ("が か\u3099 ぱ", "が が ぱ"),
        ("한국어", "한국어"),
        ("日本語、中文。", "日本語 中文"),
        ("A/B-C_D: (e) [f] & g", "a b c d e f g"),
        ("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"),
        ("tab\tnew\nline\x00nul", "tab new line nul"),
        ("x² + ½", "x2 1 2"),
        ("🙂 ok", "ok"),
        ("\ud800lone", "lone"),
    ],
)
def test_text_folds(text, folded):
    assert fold(text) == folded


def test_what_people_type_finds_what_records_hold():
    assert fold("garcia marquez") == fold("García Márquez")
    assert fold("Dvorak") == fold("Dvořák") == fold("Dvor\u030ca\u0301k")
    assert fold("the the") == fold("The, THE")


@settings(deadline=None)
@given(st.text())
def test_folding_twice_changes_nothing(text):
    once = fold(text)
    assert fold(once) == once
    assert once == once.strip()
    assert "  " not in once


@settings(deadline=None)
@given(st.text())
def test_composed_and_decomposed_text_fold_alike(text):
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


@settings(deadline=None)
@given(st.text(), st.integers(1, 50))
def test_clean_text_is_bounded_and_fit_to_show(text, limit):
    cleaned = clean_text(text, limit)
    assert len(cleaned) <= limit
    assert cleaned == cleaned.strip()
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in cleaned)
    assert cleaned.encode().decode() == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  one \t two\r\nthree ", "one two three"),
        ("e\u0301te\u0301", "été"),
        ("\x98Le \x9cpetit", "Le petit"),
        ("a\x00b\x1bc\x7fd", "a b c d"),
        ("evil\u202egnp.exe", "evil gnp.exe"),
        ("\ufeffmark", "mark"),
        ("a\u2028b", "a b"),
        ("no\u00a0break", "no break"),
        ("\ud800x", "x"),
        ("मानव\u200dता", "मानव\u200dता"),  # the joiner is a part of Indic and Persian spelling
    ],
)
def test_text_to_show(text, cleaned):
    assert clean_text(text, 100) == cleaned


def test_long_text_is_cut_at_the_limit_without_a_blank_at_its_end():
    assert clean_text("ab cd ef", 6) == "ab cd"
    assert clean_text("x" * 1_000_000, 10) == "x" * 10


def test_names_are_told_apart_by_dates():
    assert normalise_name("Smith, John", "1950-") == "smith john 1950"
    assert normalise_name("Smith, John", "1820-1890") != normalise_name("Smith, John", "1950-")
    assert normalise_name("SMITH,  John") == normalise_name("Smith, John.")
    assert len(normalise_name("x" * 5_000)) == 300


def test_a_name_of_signs_is_its_own_key_and_no_name_has_none():
    assert normalise_name("!!!") == "!!!"
    assert normalise_name("!!!", "1996-") == "!!! 1996"
    assert normalise_name(" ", "1996-") == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Plain words", "plain words"),
        ("日本語", "日本 本語"),
        ("中", "中"),
        ("Haruki 村上春樹 1949", "haruki 村上 上春 春樹 1949"),
        ("カタカナabc", "カタ タカ カナ abc"),
        ("été", "ete"),
    ],
)
def test_scripts_without_blanks_are_searched_by_pairs(text, words):
    assert search_words(text) == words
