"""Every message of the product has its translation, and what a person reads can be translated at all."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from django.apps import apps
from django.conf import settings
from django.template.base import Lexer, TokenType
from django.utils.functional import Promise

from saas.core.errors import DomainError
from tests import translations

# Names of things that are the same in every language.
_NAMES = {"LibraryHub", "ISBN", "ISSN", "US", "MARC", "HTML", "API"}
_SCRIPT_OR_STYLE = re.compile(r"<(script|style|svg)\b.*?</\1>", re.DOTALL)
_MARKUP = re.compile(r"<!--.*?-->|<[^>]*>|&\w+;", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]{2,}")
# Swagger UI and Redoc write English of their own, and the plain mail is one message from first to last line.
_ENGLISH_ONLY = {"swagger_ui.html", "redoc.html"}


@pytest.mark.parametrize("language", translations.LANGUAGES)
def test_every_message_is_translated(language: str) -> None:
    assert translations.problems(language) == [], "run: python -m tests.translations update, then compile"


def test_the_catalogues_are_those_of_the_settings() -> None:
    written_in = settings.LANGUAGE_CODE
    assert {code for code, _ in settings.LANGUAGES} == {written_in, *translations.LANGUAGES}
    assert [Path(path) for path in settings.LOCALE_PATHS] == [translations.LOCALE]


def test_the_tool_reads_python_files_and_templates() -> None:
    # Without this the catalogue could be complete because nothing was found.
    found = {
        str(message.id): {Path(name).suffix for name, _ in message.locations}
        for message in translations.extract_messages()
    }
    assert found["Search"] == {".html"}
    assert found["Copy on loan"] == {".py"}
    assert any("%(count)s titles found." in name for name in found), "plural forms of a template"
    assert len(found) > 400


@pytest.mark.parametrize(
    ("original", "translation", "problem"),
    [
        ("Page %(page)s", "Pagina %(pagina)s", "other placeholders than the original"),
        ("No {model} here", "Nessun elemento qui", "other placeholders than the original"),
        ("Send {{}} and {name}", "Invia {{}} e {nome}", "other placeholders than the original"),
        ("<b>Now</b>", "<i>Ora</i>", "other tags than the original"),
        ("Hello\n", "Ciao", "other outer spaces than the original"),
        ("Hello", "", "not translated"),
        (("a copy", "%(n)d copies"), ("una copia", ""), "not translated"),
    ],
)
def test_the_tool_names_a_wrong_translation(original: str, translation: str, problem: str) -> None:
    assert problem in translations.message_problems(Message(original, translation))


def test_a_right_translation_has_no_problem() -> None:
    assert translations.message_problems(Message("Page %(page)s of {all}", "{all}: pagina %(page)s")) == []
    assert (
        translations.message_problems(Message(("a copy", "%(n)d copies"), ("una copia", "%(n)d copie"))) == []
    )


def test_a_fuzzy_translation_is_a_problem() -> None:
    assert translations.message_problems(Message("Yes", "Sì", flags=["fuzzy"])) == ["fuzzy"]


def test_titles_and_details_of_errors_are_translated_when_they_are_read() -> None:
    # A plain string, or one translated when the module was imported, would be English for everybody.
    for urlconf in (settings.PUBLIC_URLCONF, settings.LIBRARY_URLCONF):
        import_module(urlconf)
    fixed = []
    for cls in _descendants(DomainError):
        for name in ("title", "detail"):
            text = getattr(cls, name, "")
            if text and not isinstance(text, Promise):
                fixed.append(f"{cls.__module__}.{cls.__name__}.{name}: {text!r}")
    assert fixed == []


def test_templates_have_no_text_outside_of_messages() -> None:
    found = []
    for path in translations.sources():
        if path.suffix == ".html" and path.name not in _ENGLISH_ONLY:
            words = _bare_words(path.read_text("utf-8")) - _NAMES
            if words:
                found.append(f"{path.relative_to(translations.PROJECT)}: {', '.join(sorted(words))}")
    assert found == []


def test_bare_words_are_found() -> None:
    assert _bare_words("<p title='x y'>Hello {{ name }}</p>{% translate 'Good day' %}") == {"Hello"}
    assert (
        _bare_words(
            "{% blocktranslate %}Good <b>day</b>{% endblocktranslate %}{% comment %}note{% endcomment %}"
        )
        == set()
    )


def test_every_app_with_messages_is_among_the_sources() -> None:
    ours = {
        Path(app.path).relative_to(translations.PROJECT).parts[0]
        for app in apps.get_app_configs()
        if _is_ours(app.path)
    }
    assert ours <= set(translations.SOURCES)


def _is_ours(path: str) -> bool:
    inside = Path(path).is_relative_to(translations.PROJECT)
    return inside and "site-packages" not in Path(path).parts


def _descendants(cls: type) -> set[type]:
    return {child for direct in cls.__subclasses__() for child in {direct, *_descendants(direct)}}


def _bare_words(source: str) -> set[str]:
    """Words of a template that a browser would show and nobody can translate."""
    text, hidden = [], 0
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.BLOCK:
            name = token.contents.split()[0]
            if name in {"blocktranslate", "blocktrans", "comment"}:
                hidden += 1
            elif name in {"endblocktranslate", "endblocktrans", "endcomment"}:
                hidden -= 1
        elif token.token_type == TokenType.TEXT and not hidden:
            text.append(token.contents)
    shown = _MARKUP.sub(" ", _SCRIPT_OR_STYLE.sub(" ", " ".join(text)))
    return set(_WORD.findall(shown))
