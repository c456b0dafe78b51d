"""`python -m tests.mutations [NAME ...]`: takes out one protection at a time and demands that its test turns red.

Each mutation is a small change of the source in a copy of the project, one copy for each core. The named tests run
there: first all of them without any mutation, where they must pass (unless the whole suite has just done so), then
those of each mutation, which must fail by an assertion, not because they could not be collected. A mutation that no test notices, or whose text is no longer in the
source, ends the run with exit code 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from tests.mutations.registry import MUTATIONS, Mutation

PROJECT = Path(__file__).resolve().parents[2]
TESTS_PASSED, TESTS_FAILED, TOOK_TOO_LONG = 0, 1, 124
Run = subprocess.CompletedProcess[str]


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
    # The copy uses the servers that this project's tests use.
    if (PROJECT / "var").is_dir():
        (target / "var").symlink_to(PROJECT / "var")


@contextmanager
def applied(mutation: Mutation, root: Path) -> Iterator[None]:
    """The source with the mutation, for the time of the block. Raises SystemExit where its text is gone."""
    file = root / mutation.file
    text = file.read_text()
    if text.count(mutation.old) != 1:
        raise SystemExit(
            f"{mutation.name}: {text.count(mutation.old)} matches in {mutation.file}, expected one"
        )
    file.write_text(text.replace(mutation.old, mutation.new))
    try:
        yield
    finally:
        file.write_text(text)


def run_tests(tests: Iterable[str], root: Path, *, seconds: int = 300) -> Run:
    """Run these tests in a copy, with this interpreter and in one process; exit code 124 where they take too long."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "-n0",
        *tests,
    ]
    try:
        return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        # A test that hangs has not said what is wrong: not noticed, and the other mutations have their turn.
        return Run(command, TOOK_TOO_LONG, "", f"stopped after {seconds} s")


def try_out(mutation: Mutation, roots: SimpleQueue[Path]) -> bool:
    """Run one mutation in a free copy and print the verdict; whether its tests noticed."""
    root = roots.get()
    started = time.monotonic()
    try:
        with applied(mutation, root):
            result = run_tests(mutation.tests, root)
    finally:
        roots.put(root)
    noticed = result.returncode == TESTS_FAILED
    verdict = "noticed" if noticed else f"NOT NOTICED (pytest exit {result.returncode})"
    print(f"{mutation.name:<40} {verdict}  {time.monotonic() - started:.1f} s", flush=True)
    if not noticed:
        print(result.stdout[-3000:], result.stderr[-1000:], sep=os.linesep)
    return noticed


def control(chosen: Iterable[Mutation], root: Path) -> bool:
    """Whether all tests of these mutations pass where nothing is taken out: else failing would prove nothing."""
    tests = dict.fromkeys(test for mutation in chosen for test in mutation.tests)
    result = run_tests(tests, root, seconds=900)
    if result.returncode != TESTS_PASSED:
        print("without any mutation:", result.stdout[-5000:], result.stderr[-1000:], sep=os.linesep)
    return result.returncode == TESTS_PASSED


def main() -> int:
    """Run all mutations, or the named ones; 1 if any was not noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="mutations to run (default: all)")
    parser.add_argument("--list", action="store_true", help="print names and reasons and stop")
    parser.add_argument(
        "--tests-passed",
        action="store_true",
        help="the whole suite has just passed here: do not run the tests without any mutation once more",
    )
    arguments = parser.parse_args()
    unknown = set(arguments.names) - {mutation.name for mutation in MUTATIONS}
    if unknown:
        parser.error(f"no such mutation: {', '.join(sorted(unknown))}; --list shows those there are")
    chosen = [mutation for mutation in MUTATIONS if not arguments.names or mutation.name in arguments.names]
    if arguments.list:
        for mutation in chosen:
            print(f"{mutation.name:<40} {mutation.why}")
        return 0
    with tempfile.TemporaryDirectory(prefix="libraryhub-mutations-") as folder:
        roots: SimpleQueue[Path] = SimpleQueue()
        workers = min(len(chosen), len(os.sched_getaffinity(0)))
        for number in range(workers):
            root = Path(folder) / str(number)
            root.mkdir()
            copy_project(root)
            roots.put(root)
        if not arguments.tests_passed and not control(chosen, root):
            return 1
        with ThreadPoolExecutor(workers) as pool:
            noticed = list(pool.map(lambda mutation: try_out(mutation, roots), chosen))
    print(f"{sum(noticed)} noticed, {len(noticed) - sum(noticed)} not noticed")
    return 0 if all(noticed) else 1


if __name__ == "__main__":
    sys.exit(main())
