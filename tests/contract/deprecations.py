"""docs/deprecations.md, made from what the code declares and from the documents that show where it is answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.contract.documents import SITES, generate

PAGE = Path(__file__).resolve().parents[2] / "docs" / "deprecations.md"
METHODS = ("get", "post", "put", "patch", "delete")
_HEAD = """# What will go

Made from the source by `python -m tests.contract.renew`; the policy is in [the API](guides/api.md) and in
[ADR 0029](adr/0029-forms-and-versions.md). A running site shows the same at `/api/deprecations/`.

| what | since | ends | instead | where |
|---|---|---|---|---|
"""


def shown_by(site: str) -> dict[str, set[str]]:
    """Of each operation ("GET /api/v1/...") the deprecated properties that its answers show, as Component.name."""
    document, _said = generate(site)
    components = document["components"]["schemas"]
    return {
        f"{method.upper()} {path}": {
            name
            for status, answer in item[method]["responses"].items()
            if status.startswith("2")
            for media in answer.get("content", {}).values()
            for name in _deprecated(media.get("schema", {}), components, set())
        }
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }


def deprecated_operations(site: str) -> set[str]:
    """Operations that are deprecated as a whole."""
    document, _said = generate(site)
    return {
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item and item[method].get("deprecated")
    }


def page() -> str:
    """The page as it should be."""
    from saas.core.api.deprecations import all_deprecations

    operations = [(key, names) for site in SITES for key, names in shown_by(site).items()]
    lines = []
    for one in all_deprecations():
        where = ", ".join(sorted({f"`{key}`" for key, names in operations if one.name in names}))
        lines.append(f"| `{one.name}` | {one.since} | {one.sunset} | {one.instead} | {where} |\n")
    return _HEAD + "".join(lines)


def _deprecated(schema: Any, components: dict[str, Any], seen: set[str], name: str = "") -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    reference = str(schema.get("$ref", "")).rpartition("/")[2]
    if reference:
        if reference not in seen:
            seen.add(reference)
            yield from _deprecated(components[reference], components, seen, reference)
        return
    for member, inner in schema.get("properties", {}).items():
        if inner.get("deprecated"):
            yield f"{name}.{member}"
        yield from _deprecated(inner, components, seen, f"{name}.{member}")
    for key in ("items", "additionalProperties"):
        yield from _deprecated(schema.get(key), components, seen, name)
    for key in ("allOf", "anyOf", "oneOf"):
        for inner in schema.get(key, ()):
            yield from _deprecated(inner, components, seen, name)
