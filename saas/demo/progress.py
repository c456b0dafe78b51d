"""Progress of slow steps: a bar on a terminal, one line for each step elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars


class Progress:
    """Steps with a known or unknown length."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr)
        self._bars = Bars(
            TextColumn("{task.description:<34}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    @contextmanager
    def step(self, description: str, total: int = 1) -> Iterator[Callable[[int], None]]:
        """Show one step; call the yielded function with the number done so far. The end counts as all done."""
        if not self._console.is_terminal:
            sys.stderr.write(f"{description} ...\n")
            sys.stderr.flush()
        task = self._bars.add_task(description, total=total)
        yield lambda done: self._bars.update(task, completed=done)
        self._bars.update(task, completed=total)
