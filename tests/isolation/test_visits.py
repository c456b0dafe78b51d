"""A visit of one library is nobody on every address of another and of the public site, and changes nothing there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.permissions.conftest import scenes  # noqa: F401
from tests.permissions.examples import send
from tests.permissions.inventory import Endpoint, of_site
from tests.permissions.scenes import Scenes
from tests.snapshots import differences, snapshot
from tests.tenant_apps.visits.visitors import PRIVATE, admit, begin, visitor

pytestmark = pytest.mark.django_db
SCHEMAS = ("lib_north", "lib_south", "public")
OURS = [endpoint for endpoint in of_site("library") if endpoint.reads_tokens]
PUBLIC = [endpoint for endpoint in of_site("public") if endpoint.reads_tokens]


def norths_token(scenes: Scenes) -> str:  # noqa: F811
    """The token of a visit of north that may do as much as a visit may, and does."""
    admit(scenes.north.library, "write")
    token = begin(scenes.north.library, "write").token
    assert visitor(scenes.north.library, token).get(PRIVATE).status_code == 200
    return token


def assert_nobody(client: Any, endpoint: Endpoint, example: Any) -> None:
    before = snapshot(*SCHEMAS)
    answer = send(client, endpoint.method, example)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert differences(before, snapshot(*SCHEMAS)) == {}


@pytest.mark.parametrize("endpoint", OURS, ids=lambda endpoint: endpoint.key)
def test_a_visit_of_north_is_nobody_in_south(scenes: Scenes, endpoint: Endpoint) -> None:  # noqa: F811
    token = norths_token(scenes)
    example = scenes.example("library", endpoint.key, scenes.south, "admin")
    assert_nobody(visitor(scenes.south.library, token), endpoint, example)


@pytest.mark.parametrize("endpoint", PUBLIC, ids=lambda endpoint: endpoint.key)
def test_a_visit_of_north_is_nobody_on_the_public_site(scenes: Scenes, endpoint: Endpoint) -> None:  # noqa: F811
    token = norths_token(scenes)
    example = scenes.example("public", endpoint.key, scenes.public, "operator")
    assert_nobody(visitor(None, token), endpoint, example)
