"""What all phases of one run share: its size, its processes, and the fleet that grows in the scratch database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.tenancy.process import Contender, contender
from tests.benchmarks.tenancy.sizes import Size

HOST = "bench-{}.localhost"
SUBDOMAIN = "bench-{}"


@dataclass
class Field:
    """`environment` leads every process to the scratch database; `schemas` are those of the libraries, in order, and
    `release` is the key of the release that they are at.
    """

    size: Size
    environment: Mapping[str, str]
    folder: Path
    say: Callable[[str], None]
    stack: ExitStack
    schemas: list[str] = field(default_factory=list)
    release: str = ""
    _started: dict[str, Contender] = field(default_factory=dict)

    def process(self, settings: str, name: str = "", **environment: str) -> Contender:
        """The process with this settings module, started when it is first wanted; ended with the run."""
        name = name or settings
        if name not in self._started:
            start = contender(name, settings, {**self.environment, **environment}, self.folder)
            self._started[name] = self.stack.enter_context(start)
        return self._started[name]

    @property
    def ours(self) -> Contender:
        """The product."""
        return self.process("settings_ours")

    @property
    def stock(self) -> Contender:
        """Stock django-tenants."""
        return self.process("settings_stock")

    @property
    def plain(self) -> Contender:
        """Plain Django, in the schema of the first library."""
        return self.process("settings_plain", BENCHMARK_SCHEMA=self.schemas[0])

    def hosts(self, count: int) -> list[str]:
        """The first so many libraries' host names."""
        return [HOST.format(number) for number in range(count)]

    def grow_to(self, count: int) -> None:
        """Make libraries until there are so many, in two processes."""
        missing = count - len(self.schemas)
        half = missing // 2
        first, second = self.ours, self.process("settings_ours", "settings_ours_second")
        first.tell("ours.grow", first=len(self.schemas), count=missing - half)
        second.tell("ours.grow", first=len(self.schemas) + missing - half, count=half)
        self.schemas += [*first.answer(), *second.answer()]
