"""How a fleet run gets on, on stderr: a bar on a terminal, a line for each step elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared_apps.fleet.services.applying import Result
    from shared_apps.fleet.services.migrate import Watcher


class Quiet:
    """Says nothing."""

    def begin(self, libraries: int) -> None:
        """So many schemas are behind."""

    def say(self, text: str) -> None:
        """What is being done now."""

    def done(self, result: Result) -> None:
        """One schema is done with."""


class Lines(Quiet):
    """A line for each step."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def begin(self, libraries: int) -> None:
        self._stream.write(f"{libraries} libraries are behind.")

    def say(self, text: str) -> None:
        self._stream.write(f"{text} ...")


class Bar(Quiet):
    """A bar, made when there is something to count: a run that finds nothing to do needs none."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._bar: Any = None
        self._task: Any = None
        self._failed = 0

    def begin(self, libraries: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]} failed"),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
        )
        self._bar = self._stack.enter_context(
            Progress(*columns, console=Console(stderr=True), transient=True)
        )
        self._task = self._bar.add_task("", total=libraries, failed=0)

    def say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.update(self._task, description=text)

    def done(self, result: Result) -> None:
        self._failed += bool(result.error)
        self._bar.update(self._task, advance=1, failed=self._failed)


@contextmanager
def watching(stream: Any, *, quiet: bool) -> Iterator[Watcher]:
    """What shows a run on this stream (a command's stderr) while the block runs."""
    with contextlib.ExitStack() as stack:
        if bool(getattr(stream, "isatty", lambda: False)()):
            yield Bar(stack)
        else:
            yield Quiet() if quiet else Lines(stream)
