"""The benchmark `tenancy`: one fleet in a scratch database, ours, stock django-tenants and the bare SQL in turn on it."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from saas.embedded import EmbeddedError
from tests.benchmarks.registry import BenchmarkRefused, Options
from tests.benchmarks.results import Outcome
from tests.benchmarks.tenancy.process import PACKAGE
from tests.benchmarks.tenancy.sizes import FULL, LEAST, QUICK, size_of

if TYPE_CHECKING:
    from tests.benchmarks.tenancy.field import Field
    from tests.benchmarks.tenancy.rows import Figures

ROLES_FILE = "tenancy_benchmark_roles"


def run(options: Options) -> Outcome:
    """Build the fleet and measure. Raises BenchmarkRefused."""
    libraries = options.libraries or (QUICK if options.quick else FULL)
    if libraries < LEAST:
        raise BenchmarkRefused(f"at least {LEAST} libraries are needed")
    started = time.monotonic()
    set_up()
    from django.conf import settings

    from tests.benchmarks.tenancy import rows, scratch
    from tests.benchmarks.tenancy.field import Field

    with scratch.scratch_database(Path(settings.DATA_DIR) / ROLES_FILE) as postgres, ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        field = Field(size_of(libraries), scratch.environment(), folder, _timed(options.say), stack)
        figures = measure(field)
    found = rows.rows_of(figures)
    return Outcome(found, postgres, rows.notes_of(figures, found, time.monotonic() - started))


def _timed(say: Callable[[str], None]) -> Callable[[str], None]:
    """Tell each step with the seconds since now."""
    begun = time.monotonic()
    return lambda text: say(f"{time.monotonic() - begun:5.0f} s  {text}")


def set_up() -> None:
    """Load Django with the settings of ours, which start the embedded servers. Raises BenchmarkRefused."""
    os.environ["DJANGO_SETTINGS_MODULE"] = f"{PACKAGE}.settings_ours"
    import django

    try:
        django.setup()
    except EmbeddedError as error:
        raise BenchmarkRefused(str(error)) from error
    logging.getLogger().setLevel(logging.WARNING)


def measure(field: Field) -> Figures:
    """All phases: at N libraries, then at four times as many."""
    from tests.benchmarks.tenancy import deploys, growth, memory, provisioning, raw, rows, serving

    size, say = field.size, field.say
    release = field.ours.ask("ours.release")
    script, field.release = release["script"], release["key"]
    say(f"making {size.libraries:,} libraries ...")
    field.grow_to(size.libraries)
    say("provisioning: stock, clone, replay, claim, raw ...")
    provisioned, strangers = provisioning.measure(field, script)
    sample = (strangers + raw.replay_by_libpq(script, size.sample)[1])[-size.sample :]
    say("deploys: nothing to do, then a column and an index, stock on a sample ...")
    before = growth.measure(field)
    nothing = deploys.stock(field, sample)
    added = deploys.stock(field, sample, "settings_stock_next")
    large = field.schemas[: size.large]
    say(f"deploys again: {size.large} libraries with {size.titles:,} titles, readers and writers at work ...")
    field.ours.ask("ours.fill", schemas=large, titles=size.titles)
    busy = deploys.under_traffic(field, deploys.statements_of(field))
    say("requests: in process, then over HTTP ...")
    served = serving.measure(field)
    remembered = memory.measure(field)
    say(f"making {size.grown - size.libraries:,} more libraries ...")
    field.ours.ask("ours.empty", schemas=large)
    field.grow_to(size.grown)
    say("growth: the same with four times as many ...")
    after = growth.measure(field)
    return rows.Figures(size, provisioned, nothing, added, busy, served, remembered, before, after)
