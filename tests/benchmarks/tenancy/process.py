"""A process with settings of its own that answers questions: each contender of the benchmark is one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from saas.demo import child_start
from tests.benchmarks.registry import BenchmarkRefused

PROJECT = Path(__file__).resolve().parents[3]
PACKAGE = "tests.benchmarks.tenancy"
_STOP_SECONDS = 10.0
_LOG_TAIL = 2_000


class Contender:
    """One running process; `ask` calls a function of this package in it."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name, self._process, self._log = name, process, log

    def ask(self, question: str, **values: Any) -> Any:
        """The answer of `module.function(**values)`, all in JSON. Raises BenchmarkRefused where it fails."""
        self.tell(question, **values)
        return self.answer()

    def tell(self, question: str, **values: Any) -> None:
        """Ask without waiting; `answer` waits."""
        assert self._process.stdin is not None
        self._process.stdin.write(orjson.dumps([question, values]) + b"\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """What the question that was told last brought. Raises BenchmarkRefused where it failed."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise BenchmarkRefused(f"{self.name} has ended: {log_tail(self._log)}")
        answer = orjson.loads(line)
        if "failure" in answer:
            raise BenchmarkRefused(f"{self.name}: {answer['failure']}")
        return answer["value"]

    def stop(self) -> None:
        """End it: it reads the end of its questions, or is killed."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(_STOP_SECONDS)


@contextmanager
def contender(name: str, settings: str, environment: Mapping[str, str], logs: Path) -> Iterator[Contender]:
    """Start a process under a settings module of this package; it is ended in any case, also when we are killed."""
    log = logs / f"{name}.log"
    with log.open("ab") as written:
        process = subprocess.Popen(
            command(sys.executable, "-m", f"{PACKAGE}.serve"),
            cwd=PROJECT,
            env=surroundings(settings, environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            process_group=0,
        )
    running = Contender(name, process, log)
    try:
        yield running
    finally:
        running.stop()


def command(*program: str) -> list[str]:
    """A program that ends with this process, however that ends."""
    return [sys.executable, "-I", "-S", child_start.__file__, str(os.getpid()), *program]


def surroundings(settings: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process under a settings module of this package."""
    return {**os.environ, **environment, "DJANGO_SETTINGS_MODULE": f"{PACKAGE}.{settings}"}


def manage(
    *arguments: str, settings: str, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` as a person does, to its end. Raises BenchmarkRefused where it fails."""
    done = subprocess.run(
        command(sys.executable, "manage.py", *arguments),
        cwd=PROJECT,
        env=surroundings(settings, environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        told = (done.stderr or done.stdout)[-_LOG_TAIL:]
        raise BenchmarkRefused(f"manage.py {' '.join(arguments)} exits {done.returncode}: {told}")
    return done


def log_tail(log: Path) -> str:
    """The end of what a process wrote."""
    return log.read_text(errors="replace")[-_LOG_TAIL:].strip() or "it wrote nothing"
