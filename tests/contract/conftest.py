"""One scene for the tests of a module: made once, in a transaction that is rolled back after the last of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.permissions.scenes import Scenes, open_scenes


@pytest.fixture(scope="module")
def scenes(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scenes]:
    """One of everything in north, in south and on the public site; each test works on it in a transaction."""
    with django_db_blocker.unblock(), open_scenes() as found:
        yield found
