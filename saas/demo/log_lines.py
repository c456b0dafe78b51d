"""The output of several programs on one terminal: whole lines, each with the name of its program."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Sequence
from typing import TextIO

OWN_NAME = "demo"
# Longer lines are cut into several: a program that never ends its line must not fill the memory.
_LONGEST = 32_768
_COLOURS = ("36", "33", "35", "32", "34", "31")
_OWN_COLOUR = "2"


class LinePrinter:
    """Collects output by program and writes whole lines, `name | text`, with colours on a terminal."""

    def __init__(self, names: Sequence[str], output: TextIO) -> None:
        """Colours are left out where NO_COLOR is set or the output is not a terminal."""
        self._output = output
        self._width = max(len(name) for name in (*names, OWN_NAME))
        self._rest: dict[str, bytes] = {}
        coloured = output.isatty() and not os.environ.get("NO_COLOR")
        self._colours = {name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(names)}
        self._colours[OWN_NAME] = _OWN_COLOUR
        if not coloured:
            self._colours = {}
        self.closed = False
        """The reader of our output has gone: there is nobody to run for."""

    def feed(self, name: str, data: bytes) -> None:
        """Add output of a program; its last, unfinished line waits for more."""
        *lines, rest = (self._rest.pop(name, b"") + data).split(b"\n")
        while len(rest) > _LONGEST:
            lines.append(rest[:_LONGEST])
            rest = rest[_LONGEST:]
        for line in lines:
            self._write(name, line.decode(errors="replace").rstrip("\r"))
        self._rest[name] = rest

    def finish(self, name: str) -> None:
        """The program has ended: write its unfinished line."""
        if rest := self._rest.pop(name, b""):
            self._write(name, rest.decode(errors="replace"))

    def say(self, text: str) -> None:
        """Write a line of our own."""
        self._write(OWN_NAME, text)

    def _write(self, name: str, text: str) -> None:
        prefix = f"{name:<{self._width}} |"
        if colour := self._colours.get(name):
            prefix = f"\033[{colour}m{prefix}\033[0m"
        if self.closed:
            return
        try:
            self._output.write(f"{prefix} {text}\n")
            self._output.flush()
        except OSError:  # the pipe's reader or the terminal has gone
            self.closed = True
            self._turn_away()

    def _turn_away(self) -> None:
        """What the output still holds must not raise once more when Python ends."""
        with contextlib.suppress(io.UnsupportedOperation), open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), self._output.fileno())
