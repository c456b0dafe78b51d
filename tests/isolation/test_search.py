"""Searching finds, suggests and counts what the library itself has, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core.tenancy import in_library
from tenant_apps.catalog.marc import DraftContributor
from tests.factories import TitleFactory
from tests.permissions.scenes import Scenes

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def rare(scenes: Scenes) -> Scenes:
    """South alone has a title with words that nobody else uses."""
    with in_library(scenes.south.library):
        TitleFactory(
            title="Zyzzogeton in Trieste",
            subjects=("Leafhoppers",),
            contributors=(DraftContributor("Quillfeather, Xenia"),),
            year=1789,
        )
    return scenes


def search(client: Any, query: str) -> Any:
    answer = client.get(f"/api/v1/search/?{query}")
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize("query", ["q=zyzzogeton", "q=quillfeather", "q=leafhoppers", "year=1789"])
def test_words_names_subjects_and_years_of_another_library_find_nothing(rare: Scenes, query: str) -> None:
    north, south = (rare.client(scene, "anonymous") for scene in (rare.north, rare.south))
    assert search(south, query)["count"] == 1
    found = search(north, query)
    assert (found["count"], found["results"], found["suggestions"]) == (0, [], [])
    assert "zyzzogeton" not in str(found).lower().replace(query, "")


def test_a_misspelt_word_is_not_mended_with_another_librarys_words(rare: Scenes) -> None:
    north, south = (rare.client(scene, "anonymous") for scene in (rare.north, rare.south))
    assert any("zyzzogeton" in text.lower() for text in search(south, "q=zyzzogetan")["suggestions"])
    assert search(north, "q=zyzzogetan")["suggestions"] == []


def test_facets_count_the_librarys_own_titles(rare: Scenes) -> None:
    for scene in (rare.north, rare.south):
        found = search(rare.client(scene, "anonymous"), "q=")
        with in_library(scene.library):
            titles = type(scene.title).objects.count()
        assert found["count"] == titles
        assert sum(value["count"] for value in found["facets"]["language"]["values"]) == titles
    years = str(search(rare.client(rare.north, "anonymous"), "q=")["facets"])
    assert "1789" not in years
    assert "Leafhoppers" not in years
    assert "Quillfeather" not in years
