"""Long paths, odd paths, private homes: nothing is changed that we did not make."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from saas import embedded
from saas.embedded import layout
from tests.saas.embedded.conftest import copy_records

pytestmark = pytest.mark.deep

Note = Callable[[Path], Path]


@pytest.fixture
def used_copy(template: Path, clean_up: Note) -> Note:
    """Put used records into a folder: starting them is faster than making new ones."""

    def copy(folder: Path) -> Path:
        embedded.claim(folder)
        copy_records(template, folder)
        return clean_up(folder)

    return copy


def works(servers: embedded.Servers) -> bool:
    with psycopg.connect(servers.database_url) as connection:
        row = connection.execute("SELECT 1").fetchone()
    return row == (1,) and redis.Redis.from_url(servers.redis_url).ping() is True


@pytest.mark.parametrize("name", ["long" * 40, "space, comma's %41?#&= Größe 図書館"])
def test_folder_whose_path_no_socket_can_have(
    tmp_path: Path, name: str, used_copy: Note, short_temp: Path
) -> None:
    servers = embedded.ensure(used_copy(tmp_path / name))
    assert works(servers)
    assert servers.postgres_socket_dir.parent == short_temp
    assert stat.S_IMODE(servers.postgres_socket_dir.stat().st_mode) == 0o700
    assert servers.postgres_dir.parent == tmp_path / name, "the records stay where the person wanted them"


def test_sockets_are_found_again_with_another_temp_folder_and_made_again_after_a_reboot(
    tmp_path: Path, used_copy: Note, short_temp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (short_temp / name).mkdir()
    folder = used_copy(tmp_path / ("long" * 40))
    monkeypatch.setattr("tempfile.tempdir", str(short_temp / "a"))
    first = embedded.ensure(folder)
    monkeypatch.setattr("tempfile.tempdir", str(short_temp / "b"))
    assert embedded.ensure(folder).redis_socket == first.redis_socket
    assert not list((short_temp / "b").iterdir())
    embedded.stop(folder)
    first.postgres_socket_dir.rmdir()
    (short_temp / "a").rmdir()
    again = embedded.ensure(folder)
    assert works(again)
    assert again.postgres_socket_dir.parent == short_temp / "b"


def test_private_home_stays_as_it_was(tmp_path: Path, used_copy: Note) -> None:
    home = tmp_path / "home"
    project = home / "projects" / "hub"
    project.mkdir(parents=True)
    home.chmod(0o700)
    project.chmod(0o750)
    above = [project, *project.parents]
    before = [(place.stat().st_mode, place.stat().st_uid, place.stat().st_gid) for place in above]
    servers = embedded.ensure(used_copy(project / "var" / "demo"))
    assert works(servers)
    assert [(place.stat().st_mode, place.stat().st_uid, place.stat().st_gid) for place in above] == before
    assert stat.S_IMODE((project / "var" / "demo").stat().st_mode) == 0o700


def test_mode_of_an_existing_empty_folder_stays(tmp_path: Path) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()
    folder.chmod(0o755)
    embedded.claim(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_two_spellings_of_a_folder_share_servers(used: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(used)
    first = embedded.ensure(used)
    assert embedded.ensure(tmp_path / "link") == embedded.Servers(**{**vars(first), "started": ()})


def test_claim_is_idempotent_and_keeps_what_was_noted(tmp_path: Path) -> None:
    folder = embedded.claim(tmp_path / "data")
    layout.note_choices(folder, {"account": "self"})
    assert embedded.claim(tmp_path / "data") == folder
    assert layout.read_choices(folder)["account"] == "self"
    assert sorted(os.listdir(folder)) == [".libraryhub-data", "lock", "log"]


def test_marker_of_a_concurrent_first_start_is_not_overwritten(tmp_path: Path) -> None:
    folder = embedded.claim(tmp_path / "data")
    layout.note_choices(folder, {"account": "self"})
    layout._mark(folder / layout.MARKER)  # what a slower start does that saw no marker yet
    assert layout.read_choices(folder)["account"] == "self"
