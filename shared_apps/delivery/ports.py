"""What delivery needs of the apps above it, named in the settings so that no import points up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from saas.core.tenancy import LibraryContext


def open_libraries() -> Iterator[LibraryContext]:
    """Every library whose tasks may run, in batches."""
    yield from cast(Callable[[], Iterator[LibraryContext]], import_string(settings.OPEN_LIBRARIES))()
