"""Two scenes, one after the other: with one or two rows of each kind, and with fifty."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.budget.rows import ROWS, begin, begin_public, grow, grow_public
from tests.permissions.scenes import Scenes, open_scenes


@dataclass(frozen=True)
class Stage:
    """Scenes, and how many rows there are of each kind."""

    scenes: Scenes
    rows: int


@pytest.fixture(scope="module", params=[1, ROWS], ids=["1 row", "50 rows"])
def stage(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> Iterator[Stage]:
    """Scenes in both libraries and on the public site; in the second pass north and the public site have grown."""
    with django_db_blocker.unblock(), open_scenes() as opened:
        scenes = dataclasses.replace(opened, north=begin(opened.north), south=begin(opened.south))
        begin_public(scenes.public)
        if request.param == 1:
            yield Stage(scenes, 1)
        else:
            north, public = grow(scenes.north), grow_public(scenes.public)
            yield Stage(dataclasses.replace(scenes, north=north, public=public), ROWS)


@pytest.fixture
def found() -> Any:
    """`found(site, key, caller, rows, cell)`: notes a number for `python -m tests.budget`, where that has asked."""
    where = os.environ.get("LIBRARYHUB_BUDGET")

    def note(*values: Any) -> bool:
        if where is None:
            return False
        with Path(where).open("a") as file:
            file.write(json.dumps(values) + "\n")
        return True

    return note
