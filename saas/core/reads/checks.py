"""A read that cannot be compiled is found before the first request."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import FieldError

from saas.core.reads.errors import NotCompilable
from saas.core.reads.read import EVERYTHING, CompiledRead, Variant, registered


def check_reads(**_options: Any) -> list[checks.CheckMessage]:
    """Errors E101 for each read that some list or record cannot be made of; nothing is asked of the database."""
    import_module(settings.ROOT_URLCONF)
    import_module(settings.LIBRARY_URLCONF)
    return [problem for read in registered() for problem in _problems(read)]


def _problems(read: CompiledRead) -> Iterator[checks.CheckMessage]:
    try:
        for variant in _variants(read):
            read.statement(variant)
    except (NotCompilable, FieldError, TypeError) as error:
        hint = "docs/guides/reads.md says what can be compiled."
        yield checks.Error(f"the read {read.name}: {error}", hint=hint, id="libraryhub.E101")


def _variants(read: CompiledRead) -> Iterator[Variant]:
    default = read.default_ordering
    first = read.ordering.get(default.removeprefix("-"), default.removeprefix("-"))
    yield Variant(EVERYTHING, is_row=True, has_tags=True)
    for path in {first, *read.ordering.values()}:
        yield Variant(EVERYTHING, ordering=(path,), position=(False,) * len(read.keys((path,))[0]))
    for name, one in read.filters.items():
        for choice in one.choices or (None,):
            yield Variant(EVERYTHING, ((name, choice),), ordering=(first,))
