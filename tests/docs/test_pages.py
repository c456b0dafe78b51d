"""The pages people read: links lead somewhere, commands parse, tables are complete, and no machine is named."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.urls import Resolver404, resolve

from saas.demo.books import book_count
from saas.settings.env import VARIABLES
from tenant_apps.catalog.marc.errors import RejectCode, WarningCode

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / "docs"
README = PROJECT / "README.md"
_SKIPPED = {"var", "node_modules", "static", "media"}
LINK = re.compile(
    r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
# Places of one machine and hosts of one network: nothing of the kind belongs into a page for everybody.
PRIVATE = re.compile(
    r"(?<![\w.:])/(?:root|home|work|Users|opt|mnt)/|(?<![\w.:])/tmp/"
    r"|\b(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}\b"
    r"|\b(?:artifactory|nexus|devpi|pypi-mirror)\b|\.(?:internal|corp|lan)\b",
    re.IGNORECASE,
)


def pages() -> list[Path]:
    found = [*PROJECT.glob("*.md")]
    for folder in sorted(PROJECT.iterdir()):
        if folder.is_dir() and not folder.name.startswith(".") and folder.name not in _SKIPPED:
            found += [path for path in sorted(folder.rglob("*.md")) if not _SKIPPED.intersection(path.parts)]
    return found


def named(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


def links(text: str) -> Iterator[str]:
    for groups in LINK.findall(FENCE.sub("", text)):
        yield next(target for target in groups if target)


def anchors(text: str) -> set[str]:
    """What the headings are called in addresses, as forges make it of them."""
    plain = [
        re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        for heading in HEADING.findall(FENCE.sub("", text))
    ]
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in plain}


def broken(page: Path, target: str) -> bool:
    parts = urlsplit(target)
    if parts.scheme:
        return parts.scheme not in {"http", "https", "mailto"}
    file = (page.parent / parts.path).resolve() if parts.path else page
    if not file.exists() or not file.is_relative_to(PROJECT):
        return True
    return bool(parts.fragment) and parts.fragment not in anchors(file.read_text("utf-8"))


@pytest.mark.parametrize("page", pages(), ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    assert [target for target in links(page.read_text("utf-8")) if broken(page, target)] == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    text = "# One thing\n[a](#one-thing) [b](#two) ![c](nowhere.svg)\n```\n[not](a-link)\n```\n[d]: gone.md\n"
    page = tmp_path / "page.md"
    page.write_text(text)
    assert list(links(text)) == ["#one-thing", "#two", "nowhere.svg", "gone.md"]
    assert anchors(text) == {"one-thing"}
    assert not broken(README, "docs/README.md#guides")
    assert broken(README, "docs/README.md#nothing")
    assert broken(README, "docs/nothing.md")
    assert broken(README, "ftp://example.org/")


@pytest.mark.parametrize("page", pages(), ids=named)
def test_files_that_are_named_exist(page: Path) -> None:
    text = FENCE.sub("", page.read_text("utf-8"))
    places = re.findall(
        r"`((?:saas|shared_apps|tenant_apps|billing|tests|docs|infra|\.ci)/[\w./-]+)(?:::\w+)?`", text
    )
    assert [place for place in places if not (PROJECT / place).exists()] == []


@pytest.mark.parametrize("page", pages(), ids=named)
def test_no_page_names_a_machine(page: Path) -> None:
    assert [found.group() for found in PRIVATE.finditer(page.read_text("utf-8"))] == []


def test_a_machine_is_recognised() -> None:
    for text in (
        "see /home/ada/x",
        "/tmp/lib",  # noqa: S108
        "http://10.1.2.3/",
        "pypi.corp",
        "https://artifactory.example/",
    ):
        assert PRIVATE.search(text), text
    for text in ("?host=/folder", "http://localhost:8000/tmp/", "localhost", "127.0.0.1", "redis.example"):
        assert not PRIVATE.search(text), text


# -- the README --------------------------------------------------------------------------------------------------------


def test_the_two_commands_stand_there_as_they_are_typed() -> None:
    lines = README.read_text("utf-8").splitlines()
    assert "pip install uv && uv run manage.py demo" in lines
    assert "pip install uv && uv run pytest" in lines


def test_the_readme_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) < 200


def test_it_says_what_to_do_where_pip_refuses() -> None:
    text = README.read_text("utf-8")
    assert "PEP 668" in text
    assert "python3 -m venv .venv-uv && .venv-uv/bin/pip install uv" in text
    assert "python3 -m uv run manage.py demo" in text


def test_the_picture_is_one_file_with_text_and_both_themes() -> None:
    picture = (DOCS / "architecture.svg").read_text("utf-8")
    assert "](docs/architecture.svg)" in README.read_text("utf-8")
    assert picture.count("<text") > 20
    assert "prefers-color-scheme: dark" in picture
    assert re.findall(r"(?:href|src)=|@import|<script|url\(\"?http", picture) == []


def test_the_folders_of_the_map_exist() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \|", README.read_text("utf-8"), re.MULTILINE)
    folders = [folder for row in rows for folder in re.findall(r"`([^`]+)`", row)]
    assert len(folders) > 8
    assert [folder for folder in folders if not (PROJECT / folder).is_dir()] == []


def test_the_number_of_books_is_true() -> None:
    for page in (README, PROJECT / "CHANGELOG.md", DOCS / "guides" / "demo.md"):
        assert re.findall(r"(\d+)\s+well-known books", page.read_text("utf-8")) == [str(book_count())], (
            page.name
        )


# -- commands ----------------------------------------------------------------------------------------------------------


def fences() -> list[tuple[str, str, str]]:
    return [
        (f"{named(page)}-{number}", language, code)
        for page in pages()
        for number, (language, code) in enumerate(FENCE.findall(page.read_text("utf-8")), start=1)
    ]


@pytest.mark.parametrize(("name", "language", "code"), fences(), ids=lambda value: str(value)[:60])
def test_code_parses(name: str, language: str, code: str) -> None:
    assert language in {"sh", "json", "python", "text"}, "a fence says what it holds"
    if language == "sh":
        done = subprocess.run(["sh", "-n"], input=code, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    elif language == "json":
        json.loads(code)
    elif language == "python":
        compile(code, name, "exec")


QUICK_START = "\n".join(code for _, code in FENCE.findall(README.read_text("utf-8")))


def test_every_body_of_the_quick_start_is_json() -> None:
    bodies = re.findall(r"-d '(\{.*?\})'", QUICK_START, re.DOTALL)
    bodies += re.findall(r"LOAN='(.*?)'", QUICK_START)
    bodies += [body.replace('\\"', '"') for body in re.findall(r'-d "(\{.*?\})"', QUICK_START, re.DOTALL)]
    assert len(bodies) == 7
    assert all(isinstance(json.loads(body), dict) for body in bodies)


def test_every_address_of_the_quick_start_exists() -> None:
    wanted = re.findall(r"\$(PUBLIC|LIBRARY)(/[^\s\"'?]*)", QUICK_START)
    sites = {"PUBLIC": settings.PUBLIC_URLCONF, "LIBRARY": settings.LIBRARY_URLCONF}
    unknown = []
    for site, path in wanted:
        try:
            resolve(path, sites[site])
        except Resolver404:
            unknown.append(f"{site}{path}")
    assert len(wanted) > 8
    # The page of caught mail exists in the demo alone.
    assert unknown == ["PUBLIC/demo/mail/"]


# -- tables that must be complete ---------------------------------------------------------------------------------------


def test_every_variable_is_explained() -> None:
    text = (DOCS / "guides" / "configuration.md").read_text("utf-8")
    explained = {
        name
        for row in re.findall(r"^\| (`[A-Z].*?) \|", text, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert explained == {variable.name for variable in VARIABLES}


def test_every_code_of_an_import_is_explained() -> None:
    text = (DOCS / "guides" / "import.md").read_text("utf-8")
    rejected, kept = text.split("## What was odd")
    assert [code for code in RejectCode if f"`{code}`" not in rejected] == []
    assert [code for code in WarningCode if f"`{code}`" not in kept] == []


def test_rate_limits_are_those_of_the_settings() -> None:
    text = (DOCS / "guides" / "api.md").read_text("utf-8")
    policies = {name: f"{quota:,}" for name, (quota, _seconds) in settings.RATE_LIMITS.items()}
    told = re.findall(r"^\| ((?:`[a-z-]+`(?:, )?)+) \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    names = [
        (name, limit) for row, limit in told for name in re.findall(r"`([a-z-]+)`", row) if name in policies
    ]
    assert {"burst", "anonymous", "library", "signup", "login-account", "login-address"} <= {
        name for name, _ in names
    }
    assert [name for name, limit in names if not re.search(rf"\b{policies[name]}\b", limit)] == []


def test_the_index_names_every_page() -> None:
    index = (DOCS / "README.md").read_text("utf-8")
    wanted = [*DOCS.glob("*.md"), *DOCS.glob("guides/*.md"), *DOCS.glob("security/*.md")]
    wanted += [
        page for root in ("shared_apps", "tenant_apps") for page in (PROJECT / root).glob("*/README.md")
    ]
    wanted.append(PROJECT / "billing" / "README.md")
    reached = {(DOCS / urlsplit(target).path).resolve() for target in links(index)}
    assert [
        named(page) for page in wanted if page.resolve() not in reached and page.name != "README.md"
    ] == []
    assert [named(page) for page in wanted if page.parent != DOCS and page.resolve() not in reached] == []


def test_the_words_of_the_glossary_stand_in_order() -> None:
    text = (DOCS / "glossary.md").read_text("utf-8")
    for section in text.split("\n## ")[1:]:
        words = re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)[2:]
        assert words == sorted(words, key=str.lower), section.splitlines()[0]


def test_the_changelog_has_the_form_that_it_names() -> None:
    text = (PROJECT / "CHANGELOG.md").read_text("utf-8")
    assert "## [Unreleased]" in text
    kinds = re.findall(r"^### (.+)$", text, re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert kinds
