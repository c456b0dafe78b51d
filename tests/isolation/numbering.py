"""Choosing the ids that a library's next rows get."""

from __future__ import annotations

import itertools
from typing import Any

from django.db import connection

from saas.core.tenancy import in_library
from tests.permissions.scene import Scene, build_scene

# Sequences do not roll back: each use begins beyond all before it.
_millions = itertools.count(1)
_SET_ALL = """
    SELECT setval(c.oid::regclass, %s) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind = 'S'
"""


def start_numbering(*libraries: Any) -> None:
    """The next rows of every table get ids that no row had before, the same in each of the libraries."""
    start = next(_millions) * 1_000_000
    for library in libraries:
        with in_library(library), connection.cursor() as cursor:
            cursor.execute(_SET_ALL, [start, library.schema_name])


def build_twins(*libraries: Any) -> list[Scene]:
    """A scene for each library: the same row has the same id in each, and other names.

    Whatever mixes the libraries up then finds a row, and shows another library's text.
    """
    start_numbering(*libraries)
    scenes = [build_scene(library) for library in libraries]
    for name in ("title", "copy", "loan", "patron", "branch", "job", "rule", "assignment"):
        assert len({getattr(scene, name).pk for scene in scenes}) == 1
    return scenes
