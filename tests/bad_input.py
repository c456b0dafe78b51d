"""Where the shared hostile data is. Tests that need it are skipped with a reason where it is missing."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
_KEPT = PROJECT / "var" / "tests" / "bad_input"


def bad_input_folder() -> Path:
    """`badinput` below LIBRARYHUB_TEST_DATA, by default below the sibling folder `shared/data`. Skips without it."""
    folder = Path(os.environ.get("LIBRARYHUB_TEST_DATA", PROJECT.parent / "shared" / "data")) / "badinput"
    if not folder.is_dir():
        pytest.skip(f"no bad input at {folder}: set LIBRARYHUB_TEST_DATA")
    return folder


def generated_folder() -> Path:
    """The files that the data's own generator writes (bombs, host headers). Made once and kept; skips without it."""
    generator = bad_input_folder() / "generators" / "make_bad.py"
    if not generator.is_file():
        pytest.skip(f"no bad input generator at {generator}")
    folder = _KEPT / hashlib.sha256(generator.read_bytes()).hexdigest()[:16]
    if not folder.is_dir():
        _KEPT.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=_KEPT))
        subprocess.run(
            [sys.executable, str(generator), str(making)], check=True, capture_output=True, timeout=300
        )
        try:
            making.rename(folder)
        except OSError:  # another run was faster
            shutil.rmtree(making)
    return folder
