"""Content types differ between schemas; what is cached of them under one library is never used under another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from guardian import shortcuts

from saas.core.tenancy import caches, in_library
from saas.core.tenancy.caches import SchemaKeyedCache
from shared_apps.accounts.models import User
from tenant_apps.branches.models import Branch


@pytest.fixture
def shifted(south: Any) -> Iterator[None]:
    """In south, the content types have other numbers than in north, and nobody remembers them afterwards."""
    with in_library(south), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("UPDATE auth_permission SET content_type_id = content_type_id + 500")
        cursor.execute("UPDATE django_content_type SET id = id + 500")
        ContentType.objects.clear_cache()
    yield
    with in_library(south):
        ContentType.objects.clear_cache()
    shortcuts._get_ct_cached.cache_clear()


@pytest.mark.usefixtures("shifted")
def test_content_types_are_cached_for_each_library(north: Any, south: Any) -> None:
    with in_library(north):
        ours = ContentType.objects.get_for_model(Branch).pk
    with in_library(south):
        theirs = ContentType.objects.get_for_model(Branch).pk
    assert theirs == ours + 500
    with in_library(north):
        assert ContentType.objects.get_for_model(Branch).pk == ours


@pytest.mark.usefixtures("shifted")
def test_guardian_answers_for_the_library_it_is_asked_in(north: Any, south: Any) -> None:
    for library in (north, south, north):
        with in_library(library):
            user = User.objects.get(email__startswith="librarian@")
            branch = Branch.objects.get(code="main")
            shortcuts.assign_perm("branches.change_branch", user, branch)
            found = shortcuts.get_objects_for_user(user, "branches.change_branch")
            assert list(found) == [branch]


def test_a_grant_on_a_row_says_nothing_of_the_row_of_that_number_elsewhere(north: Any, south: Any) -> None:
    with in_library(north):
        user = User.objects.get(email__startswith="librarian@")
        branch = Branch.objects.get(code="main")
        shortcuts.assign_perm("branches.change_branch", user, branch)
        assert user.has_perm("branches.change_branch", branch)
    with in_library(south):
        same_number = User.objects.get(pk=user.pk)
        assert not same_number.has_perm("branches.change_branch", Branch.objects.get(pk=branch.pk))


def test_clearing_in_one_library_leaves_the_others(north: Any, south: Any) -> None:
    cache = SchemaKeyedCache()
    with in_library(north):
        cache["a"] = 1
    with in_library(south):
        cache["a"] = 2
        cache.clear()
        assert "a" not in cache
    with in_library(north):
        assert cache["a"] == 1
        assert list(cache) == ["a"]
        del cache["a"]
        assert len(cache) == 0


def test_the_number_of_schemas_kept_is_bounded(
    north: Any, south: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caches, "MAX_SCHEMAS", 1)
    cache = SchemaKeyedCache()
    with in_library(north):
        cache["a"] = 1
    with in_library(south):
        cache["a"] = 2
    with in_library(north):
        assert "a" not in cache
    cache.forget("lib_north")


def test_the_patches_are_in_place() -> None:
    assert isinstance(ContentType.objects._cache, SchemaKeyedCache)
    assert shortcuts._get_ct_cached.__module__ == caches.__name__


def test_the_patch_outlives_the_registry_of_apps() -> None:
    kept = ContentType.objects._cache
    apps.clear_cache()
    assert ContentType.objects._cache is kept
    assert isinstance(kept, SchemaKeyedCache)
