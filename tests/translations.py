"""The message catalogues without gettext's own tools: `python -m tests.translations update|check|compile`.

`update` reads every message of the Python files and templates into `saas/locale/<language>/LC_MESSAGES/django.po`:
new ones come in empty, translated ones stay, those no longer used go. `compile` writes the `.mo` that Django reads.
`check` names each thing that is wrong and exits 1; `tests/architecture/test_translations.py` asks the same questions.

Babel reads the Python files. Templates are first turned into Python by the function behind Django's `makemessages`, so
that both find the same messages. Locations carry no line numbers: a line added to a file must not change a catalogue.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from gettext import GNUTranslations
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PROJECT = Path(__file__).resolve().parents[1]
LOCALE = PROJECT / "saas" / "locale"
LANGUAGES = ("it",)
SOURCES = ("saas", "shared_apps", "tenant_apps", "billing")
_SKIPPED_FOLDERS = {"migrations", "locale", "static", "__pycache__"}
_TEMPLATE_SUFFIXES = {".html", ".txt"}
_SINGULAR, _PLURAL, _IN_CONTEXT = None, (1, 2), ((1, "c"), 2)
_KEYWORDS = {
    "_": _SINGULAR,
    "_lazy": _SINGULAR,
    "gettext": _SINGULAR,
    "gettext_lazy": _SINGULAR,
    "gettext_noop": _SINGULAR,
    "ngettext": _PLURAL,
    "ngettext_lazy": _PLURAL,
    "pgettext": _IN_CONTEXT,
    "pgettext_lazy": _IN_CONTEXT,
    "npgettext": ((1, "c"), 2, 3),
}
_PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|(?<!\{)\{\w*(?:![rsa])?(?::[^}]*)?\}(?!\})")
_TAG = re.compile(r"</?[a-z][a-z0-9]*[^>]*>")
_STARTED = datetime(
    2026, 11, 20, tzinfo=UTC
)  # a fixed date: the same messages give the same file on every day
_HEADER = """\
# Translations of LibraryHub.
# Written by `python -m tests.translations update`; the translations themselves are written by people.
#"""


def sources() -> Iterator[Path]:
    """Every Python file and template of the product, in a fixed order."""
    for root in SOURCES:
        for path in sorted((PROJECT / root).rglob("*")):
            folders = path.relative_to(PROJECT).parts[:-1]
            if _SKIPPED_FOLDERS.intersection(folders):
                continue
            if path.suffix == ".py" or (path.suffix in _TEMPLATE_SUFFIXES and "templates" in folders):
                yield path


def extract_messages() -> Catalog:
    """Every message of the sources, without translations."""
    catalog = Catalog(project="LibraryHub", version="1", creation_date=_STARTED, header_comment=_HEADER)
    for path in sources():
        where = str(path.relative_to(PROJECT))
        code = path.read_text("utf-8") if path.suffix == ".py" else _template_as_python(path)
        found = extract(
            "python", io.BytesIO(code.encode()), keywords=_KEYWORDS, options={"encoding": "utf-8"}
        )
        for line, message, _comments, context in found:
            catalog.add(message, locations=[(where, line)], context=context)
    return catalog


def _template_as_python(path: Path) -> str:
    from django.utils.translation.template import templatize

    # Outside of messages the result is a run of X in the layout of the template; its indentation means nothing and
    # would be an error in Python.
    return "\n".join(line.lstrip() for line in templatize(path.read_text("utf-8")).splitlines())


def po_path(language: str) -> Path:
    """The catalogue that people edit."""
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def mo_path(language: str) -> Path:
    """The catalogue that Django reads."""
    return po_path(language).with_suffix(".mo")


def read_catalogue(language: str) -> Catalog:
    """The `.po` of `language`; an empty catalogue where there is none yet."""
    if not po_path(language).exists():
        return _new_catalogue(language)
    with po_path(language).open("rb") as file:
        return read_po(file, locale=language, ignore_obsolete=True, abort_invalid=True)


def _new_catalogue(language: str) -> Catalog:
    return Catalog(
        locale=language,
        project="LibraryHub",
        version="1",
        creation_date=_STARTED,
        revision_date=_STARTED,
        last_translator="LibraryHub",
        language_team="Italian" if language == "it" else language,
        header_comment=_HEADER,
        fuzzy=False,
    )


def update(language: str) -> str:
    """Bring the `.po` in line with the sources; return how many messages wait for a translation."""
    kept = {
        (message.context, message.id): message.string for message in read_catalogue(language) if message.id
    }
    catalogue = _new_catalogue(language)
    for message in extract_messages():
        if message.id:
            text = kept.get((message.context, message.id), "" if isinstance(message.id, str) else ("", ""))
            catalogue.add(message.id, text, locations=message.locations, context=message.context)
    po_path(language).parent.mkdir(parents=True, exist_ok=True)
    with po_path(language).open("wb") as file:
        write_po(file, catalogue, width=110, sort_output=True, include_lineno=False)
    waiting = sum(not all(_forms(message)) for message in catalogue if message.id)
    return f"{language}: {len(catalogue)} messages, {waiting} without a translation"


def compile_catalogue(language: str) -> bytes:
    """The bytes of the `.mo` that belongs to the `.po` as it is."""
    compiled = io.BytesIO()
    write_mo(compiled, read_catalogue(language))
    return compiled.getvalue()


def problems(language: str) -> list[str]:
    """What is wrong with the catalogue of `language`, one sentence each; empty when all is well."""
    catalogue = read_catalogue(language)
    wanted = {(message.context, message.id) for message in extract_messages() if message.id}
    present = {(message.context, message.id) for message in catalogue if message.id}
    found = [f"{language}: not in the catalogue: {name!r}" for _, name in sorted(wanted - present, key=str)]
    found += [
        f"{language}: no longer in the sources: {name!r}" for _, name in sorted(present - wanted, key=str)
    ]
    for message in catalogue:
        if message.id:
            found += [f"{language}: {sentence}: {message.id!r}" for sentence in message_problems(message)]
    return found + compiled_problems(language)


def message_problems(message: Message) -> list[str]:
    """What is wrong with one translation: missing, fuzzy, other placeholders, other tags, other outer spaces."""
    found = ["fuzzy"] if message.fuzzy else []
    originals = [message.id] if isinstance(message.id, str) else list(message.id)
    for form in _forms(message):
        if not form:
            found.append("not translated")
            continue
        if not any(_placeholders(form) == _placeholders(original) for original in originals):
            found.append("other placeholders than the original")
        if sorted(_TAG.findall(form)) != sorted(_TAG.findall(originals[-1])):
            found.append("other tags than the original")
        if _outer_spaces(form) != _outer_spaces(originals[-1]):
            found.append("other outer spaces than the original")
    return found


def compiled_problems(language: str) -> list[str]:
    """Whether the committed `.mo` says what the `.po` says.

    Texts are compared and not bytes: the header names the version of Babel that wrote it.
    """
    if not mo_path(language).exists():
        return [f"{language}: the .mo is missing"]
    if _texts(mo_path(language).read_bytes()) != _texts(compile_catalogue(language)):
        return [f"{language}: the .mo is not what the .po compiles to"]
    return []


def _texts(compiled: bytes) -> dict[object, str]:
    catalogue: dict[object, str] = dict(GNUTranslations(io.BytesIO(compiled))._catalog)  # type: ignore[attr-defined]
    header = catalogue.pop("", "")
    catalogue["plural forms"] = next(line for line in header.splitlines() if line.startswith("Plural-Forms"))
    return catalogue


def _forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def _placeholders(text: str) -> list[str]:
    return sorted(_PLACEHOLDER.findall(text))


def _outer_spaces(text: str) -> tuple[bool, bool]:
    return text[:1].isspace(), text[-1:].isspace()


def _write_compiled(language: str) -> str:
    mo_path(language).write_bytes(compile_catalogue(language))
    return f"{language}: compiled"


def main(arguments: list[str]) -> int:
    """Run one command over every language; return the exit code."""
    commands: dict[str, Callable[[str], str]] = {"update": update, "compile": _write_compiled}
    if arguments == ["check"]:
        found = [problem for language in LANGUAGES for problem in problems(language)]
        print("\n".join(found) or "all messages are translated")
        return 1 if found else 0
    if len(arguments) != 1 or arguments[0] not in commands:
        print("usage: python -m tests.translations update|check|compile", file=sys.stderr)
        return 2
    for language in LANGUAGES:
        print(commands[arguments[0]](language))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
