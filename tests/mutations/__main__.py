"""`python -m tests.mutations [NAME ...]`: takes out one protection at a time and demands that its test turns red.

Each mutation is a small change of the source in a copy of the project. The named tests run there; they must fail, and
fail by an assertion, not because they could not be collected. A mutation that no test notices, or whose text is no
longer in the source, ends the run with exit code 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutations.registry import MUTATIONS, Mutation

PROJECT = Path(__file__).resolve().parents[2]
TESTS_FAILED = 1


def copy_project(target: Path) -> None:
    """Everything that git knows of or would add, as it is in the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    )
    for name in listed.stdout.decode().split("\0"):
        source = PROJECT / name
        if name and source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


def apply(mutation: Mutation, root: Path) -> str:
    """Change the source; the original text, to be put back. Raises SystemExit where the text is gone."""
    file = root / mutation.file
    text = file.read_text()
    if text.count(mutation.old) != 1:
        raise SystemExit(
            f"{mutation.name}: {text.count(mutation.old)} matches in {mutation.file}, expected one"
        )
    file.write_text(text.replace(mutation.old, mutation.new))
    return text


def run_tests(mutation: Mutation, root: Path) -> subprocess.CompletedProcess[str]:
    """The mutation's tests, in the copy, with this interpreter."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "--no-header",
        "-p",
        "no:cacheprovider",
        *mutation.tests,
    ]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300, check=False)


def main() -> int:
    """Run all mutations, or the named ones; the number of those that no test noticed, at most 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="mutations to run (default: all)")
    wanted = parser.parse_args().names
    chosen = [mutation for mutation in MUTATIONS if not wanted or mutation.name in wanted]
    if not chosen:
        parser.error(f"no such mutation; there are: {', '.join(m.name for m in MUTATIONS)}")
    survived = []
    with tempfile.TemporaryDirectory(prefix="libraryhub-mutations-") as folder:
        root = Path(folder)
        copy_project(root)
        # The copy uses the servers that this project's tests use.
        (root / "var").symlink_to(PROJECT / "var") if (PROJECT / "var").is_dir() else None
        for mutation in chosen:
            started = time.monotonic()
            text = apply(mutation, root)
            result = run_tests(mutation, root)
            (root / mutation.file).write_text(text)
            noticed = result.returncode == TESTS_FAILED
            verdict = "noticed" if noticed else f"NOT NOTICED (pytest exit {result.returncode})"
            print(f"{mutation.name:<40} {verdict}  {time.monotonic() - started:.1f} s", flush=True)
            if not noticed:
                survived.append(mutation.name)
                print(result.stdout[-3000:], result.stderr[-1000:], sep=os.linesep)
    print(f"{len(chosen) - len(survived)} noticed, {len(survived)} not noticed")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
