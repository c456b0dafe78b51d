"""The house keeps its shape: rooms, budgets, names, imports. Reads files; needs no database."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import PROJECT, TREES, name_of, sources

APPS = sorted(
    path.parent
    for tree in TREES
    for path in (PROJECT / tree).rglob("apps.py")
    if path.parent.name != "settings"
)
BUSINESS_APPS = [
    app for app in APPS if app.parent.name in {"shared_apps", "tenant_apps"} or app.name == "billing"
]
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "util", "helper"}
FILE_LIMIT, FILE_P95 = 450, 300
FUNCTION_LIMIT, FUNCTION_P95 = 60, 35


def function_lengths(file: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{name_of(file)}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def percentile_95(values: list[int]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def test_there_is_something_to_look_at() -> None:
    assert len(list(sources())) > 100
    assert len(BUSINESS_APPS) >= 13


def test_files_stay_within_their_budget() -> None:
    lengths = {name_of(file): len(file.read_text().splitlines()) for file in sources()}
    assert {name: length for name, length in lengths.items() if length > FILE_LIMIT} == {}
    assert percentile_95(list(lengths.values())) <= FILE_P95


def test_functions_stay_within_their_budget() -> None:
    lengths = dict(item for file in sources() for item in function_lengths(file))
    assert {name: length for name, length in lengths.items() if length > FUNCTION_LIMIT} == {}
    assert percentile_95(list(lengths.values())) <= FUNCTION_P95


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    assert [name_of(file) for file in sources() if file.stem in FORBIDDEN_NAMES] == []


@pytest.mark.parametrize("app", BUSINESS_APPS, ids=lambda app: app.name)
def test_each_app_tells_what_it_is(app: Path) -> None:
    readme = app / "README.md"
    assert readme.is_file(), (
        f"{name_of(app)} needs a README: nouns, invariants, what others may call, non-goals"
    )
    text = readme.read_text()
    assert len(text.splitlines()) <= 40
    for part in ("Nouns", "Invariants", "Non-goals"):
        assert part.lower() in text.lower(), f"{name_of(readme)} lacks {part}"


def app_of(module: str) -> str | None:
    parts = module.split(".")
    if parts[0] == "billing":
        return "billing"
    if parts[0] in {"shared_apps", "tenant_apps"} and len(parts) > 1:
        return ".".join(parts[:2])
    return None


def imported_modules(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                yield f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name


# Rooms that another app may enter. `models` is open for foreign keys alone, which models modules declare;
# `subdomains` and `addresses` are pure rules and links of tenants; `ports` are declared for others to fill.
OPEN_ROOMS = {"services", "selectors", "errors"}
EXCEPTIONS = {
    "tenants": {"subdomains", "addresses"},
    "delivery": {"ports"},
    # Hands the session over to whoever another app has signed in.
    "accounts": {"entering"},
}


def test_apps_enter_each_other_through_services_selectors_and_errors_alone() -> None:
    offences = []
    for file in sources():
        own = app_of(name_of(file).removesuffix(".py").replace("/", "."))
        if own is None:
            continue
        for module in imported_modules(file):
            other = app_of(module)
            if other is None or other == own:
                continue
            room = module.removeprefix(f"{other}.").split(".")[0]
            allowed = OPEN_ROOMS | EXCEPTIONS.get(other.split(".")[-1], set())
            if room == "models" and file.stem == "models":
                continue
            if room not in allowed:
                offences.append(f"{name_of(file)} imports {module}")
    assert offences == []


def test_the_kernel_imports_no_app() -> None:
    offences = [
        f"{name_of(file)} imports {module}"
        for file in (PROJECT / "saas" / "core").rglob("*.py")
        for module in imported_modules(file)
        if app_of(module) is not None
    ]
    assert offences == []


def test_the_web_words_stay_in_api_and_pages() -> None:
    """Services, selectors and rules know no request, response or serializer."""
    offences = []
    for app in BUSINESS_APPS:
        for file in app.rglob("*.py"):
            room = file.relative_to(app).parts[0].removesuffix(".py")
            # delivery answers repeated requests, accounts signs people in: HTTP is their subject.
            if room not in {"services", "selectors", "rules"} or app.name in {"delivery", "accounts"}:
                continue
            offences += [
                f"{name_of(file)} imports {module}"
                for module in imported_modules(file)
                if module.startswith(("rest_framework", "django.http", "django.shortcuts", "drf_spectacular"))
            ]
    assert offences == []


def test_services_never_commit_and_apps_use_no_signals() -> None:
    offences = []
    for app in BUSINESS_APPS:
        for file in app.rglob("*.py"):
            text = file.read_text()
            if "transaction.commit(" in text or "connection.commit(" in text:
                offences.append(f"{name_of(file)} commits by itself")
            if "django.db.models.signals" in text or "@receiver" in text:
                offences.append(f"{name_of(file)} uses a signal: write through a service and the outbox")
    assert offences == []


def test_nothing_is_left_for_later() -> None:
    words = ("TO" + "DO", "FIX" + "ME", "XX" + "X:")
    offences = [name_of(file) for file in sources() if any(word in file.read_text() for word in words)]
    assert offences == []


def test_public_functions_and_classes_have_docstrings() -> None:
    missing = []
    for file in sources():
        for node in ast.parse(file.read_text()).body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            if ast.get_docstring(node) is None and not _is_serializer_meta(node):
                missing.append(f"{name_of(file)}:{node.name}")
    assert missing == []


def _is_serializer_meta(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and node.name == "Meta"
