"""Cache entries and files carry their library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from saas.core.tenancy import in_library


def test_an_entry_of_one_library_is_not_seen_by_another(north: Any, south: Any) -> None:
    with in_library(north):
        cache.set("shelf", "north's")
        assert cache.get("shelf") == "north's"
    with in_library(south):
        assert cache.get("shelf") is None
    assert cache.get("shelf") is None


def test_clear_empties_one_library_alone(north: Any, south: Any) -> None:
    for library in (north, south):
        with in_library(library):
            cache.set("shelf", library.subdomain)
    with in_library(north):
        cache.clear()
        assert cache.get("shelf") is None
    with in_library(south):
        assert cache.get("shelf") == "south"


def test_a_key_cannot_pretend_to_be_another_librarys(north: Any, south: Any) -> None:
    with in_library(south):
        cache.set("shelf", "south's")
    with in_library(north):
        assert cache.get("lib_south::1:shelf") is None
        assert cache.get("../lib_south::1:shelf") is None
        assert list(cache.iter_keys("*")) == []


def test_a_connection_that_redis_ended_is_replaced_without_a_miss(db: None) -> None:
    """The pool looks at its socket before it hands it out; nobody waits, and nothing is logged."""
    cache.set("shelf", "kept")
    client = cache.client.get_client(write=True)
    ended = client.client_id()
    with redis.Redis.from_url(settings.CACHES["default"]["LOCATION"]) as other:
        assert other.client_kill_filter(_id=ended) == 1
    assert cache.get("shelf") == "kept"
    assert client.client_id() != ended


def test_files_live_under_the_librarys_prefix(north: Any, south: Any, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    with in_library(north):
        name = default_storage.save("covers/one.txt", ContentFile(b"north"))
        with default_storage.open(name) as file:
            assert file.read() == b"north"
    assert (tmp_path / "lib_north" / "covers" / "one.txt").read_bytes() == b"north"
    with in_library(south):
        assert not default_storage.exists(name)
        with pytest.raises(FileNotFoundError):
            default_storage.open(name)


@pytest.mark.parametrize("name", ["../lib_north/secret.txt", "/etc/passwd", "a/../../lib_north/secret.txt"])
def test_no_name_leaves_the_prefix(south: Any, settings: Any, tmp_path: Path, name: str) -> None:
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "lib_north").mkdir()
    (tmp_path / "lib_north" / "secret.txt").write_text("north")
    with in_library(south), pytest.raises(SuspiciousFileOperation):
        default_storage.open(name)
