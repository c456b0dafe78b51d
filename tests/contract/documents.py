"""The OpenAPI documents of both sites, as they are served, and where their snapshots are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.utils import translation

SITES = {"library": "saas.urls_library", "public": "saas.urls_public"}
FOLDER = Path(__file__).resolve().parents[2] / "docs" / "api"


def generate(site: str) -> tuple[dict[str, Any], list[str]]:
    """The document of a site in English, and every warning and error that making it gave."""
    from drf_spectacular.drainage import GENERATOR_STATS, reset_generator_stats
    from drf_spectacular.generators import SchemaGenerator

    reset_generator_stats()
    with translation.override("en"), GENERATOR_STATS.silence():
        document = SchemaGenerator(urlconf=SITES[site]).get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    said = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    return json.loads(json.dumps(document, default=str)), said


def text_of(document: dict[str, Any]) -> str:
    """The document as it is kept: sorted, so that a change shows as the lines that changed."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def snapshot_of(site: str) -> Path:
    """Where the committed document of a site is."""
    return FOLDER / f"{site}.json"
