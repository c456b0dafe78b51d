"""Every route that names a row, asked for a row of another library: it does not exist, and nothing changes there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.answers import told
from tests.isolation.cases import CASES, NOWHERE
from tests.permissions.examples import Example, send
from tests.permissions.inventory import UNSAFE, Endpoint, of_site
from tests.permissions.scenes import Scenes
from tests.snapshots import differences, snapshot

NAMED = [endpoint for endpoint in of_site("library") if endpoint.key in CASES]
SCHEMAS = ("lib_north", "lib_south", "public")
pytestmark = pytest.mark.django_db


def key(endpoint: Endpoint) -> str:
    return endpoint.key


def foreign(scenes: Scenes, endpoint: Endpoint) -> Example:
    """The request that works in south, with south's row."""
    example = scenes.example("library", endpoint.key, scenes.south, "admin")
    value = CASES[endpoint.key].value(scenes.south)
    assert example.path == endpoint.path.format(**dict.fromkeys(endpoint.parameters, value))
    return example


def nowhere(endpoint: Endpoint, example: Example) -> Example:
    """The same request with a value that no library has."""
    return Example(endpoint.path.format(**NOWHERE), example.body, headers=example.headers, form=example.form)


@contextmanager
def nothing_written(endpoint: Endpoint) -> Iterator[None]:
    """All tables of both libraries and of the public schema are the same after the block. Reads are compared once, below."""
    before = snapshot(*SCHEMAS) if endpoint.method in UNSAFE else {}
    yield
    after = snapshot(*SCHEMAS) if endpoint.method in UNSAFE else {}
    assert differences(before, after) == {}


def assert_only_in_south(scenes: Scenes, endpoint: Endpoint) -> None:
    case = CASES[endpoint.key]
    row = case.of(scenes.south)
    for scene, there in ((scenes.north, False), (scenes.south, True)):
        # An equal number may belong to a row of north's own; then the test would prove nothing.
        assert case.is_in(scene.library, row) is there


@pytest.mark.parametrize("endpoint", NAMED, ids=key)
def test_a_row_of_another_library_is_no_row(apart: Scenes, endpoint: Endpoint) -> None:
    example = foreign(apart, endpoint)
    assert_only_in_south(apart, endpoint)
    north = apart.client(apart.north, "admin", browser=endpoint.is_page)
    with nothing_written(endpoint):
        theirs = send(north, endpoint.method, example)
        nobodys = send(north, endpoint.method, nowhere(endpoint, example))
    assert theirs.status_code == 404
    value = CASES[endpoint.key].value(apart.south)
    assert told(theirs, hide=value) == told(nobodys, hide=NOWHERE[endpoint.parameters[0]])


@pytest.mark.parametrize("endpoint", NAMED, ids=key)
def test_its_own_library_finds_it(apart: Scenes, endpoint: Endpoint) -> None:
    example = foreign(apart, endpoint)
    south = apart.client(apart.south, "admin", browser=endpoint.is_page)
    ours = "public." if CASES[endpoint.key].is_public else "lib_south."
    before = snapshot(*SCHEMAS)
    answer = send(south, endpoint.method, example)
    assert answer.status_code == example.status
    changed = differences(before, snapshot(*SCHEMAS))
    assert all(table.startswith(ours) for table in changed)
    assert bool(changed) is (endpoint.method in UNSAFE)


# -- north's token in south, and on the public site -----------------------------------------------------------------------

# What proves by itself who sends it (a password, a mailed token) needs no session: tests/isolation/test_tokens.py.
OWN_PROOF = ("/api/v1/auth/", "/sign-", "/password/")
NEEDS_SESSION = "/api/v1/auth/mfa/"
OURS = [e for e in of_site("library") if e.path.startswith(NEEDS_SESSION) or not e.path.startswith(OWN_PROOF)]
PUBLIC = [
    e for e in of_site("public") if e.path.startswith(NEEDS_SESSION) or not e.path.startswith(OWN_PROOF)
]


def at_host(client: Any, host: str) -> Any:
    client.defaults["HTTP_HOST"] = host
    return client


def assert_token_is_worth_nothing(endpoint: Endpoint, strange: Any, anonymous: Any, example: Example) -> None:
    if endpoint.reads_tokens:
        answer = send(strange, endpoint.method, example)
        assert answer.status_code == 401
        assert answer.json()["code"] == "token_invalid"
    elif endpoint.is_page and not endpoint.is_open:
        answer = send(strange, endpoint.method, example)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (303, "/sign-in/")
    elif endpoint.method == "GET":
        assert told(send(strange, "GET", example)) == told(send(anonymous, "GET", example))


@pytest.mark.parametrize("endpoint", OURS, ids=key)
def test_a_token_of_another_library_is_refused_everywhere(scenes: Scenes, endpoint: Endpoint) -> None:
    example = scenes.example("library", endpoint.key, scenes.south, "admin")
    strange = at_host(scenes.client(scenes.north, "admin", browser=True), "south.localhost")
    with nothing_written(endpoint):
        assert_token_is_worth_nothing(endpoint, strange, scenes.client(scenes.south, "anonymous"), example)


@pytest.mark.parametrize("endpoint", OURS, ids=key)
def test_a_token_of_the_platform_is_refused_in_a_library(scenes: Scenes, endpoint: Endpoint) -> None:
    example = scenes.example("library", endpoint.key, scenes.north, "admin")
    strange = at_host(scenes.client(scenes.public, "staff"), "north.localhost")
    assert_token_is_worth_nothing(endpoint, strange, scenes.client(scenes.north, "anonymous"), example)


@pytest.mark.parametrize("endpoint", PUBLIC, ids=key)
def test_a_librarys_token_is_refused_on_the_public_site(scenes: Scenes, endpoint: Endpoint) -> None:
    example = scenes.example("public", endpoint.key, scenes.public, "staff")
    strange = at_host(scenes.client(scenes.north, "admin", browser=True), "localhost")
    with nothing_written(endpoint):
        assert_token_is_worth_nothing(endpoint, strange, scenes.client(scenes.public, "anonymous"), example)


@pytest.mark.parametrize("endpoint", PUBLIC, ids=key)
def test_the_public_site_is_not_served_under_a_librarys_name(scenes: Scenes, endpoint: Endpoint) -> None:
    """What exists on the public site alone is 404 in a library, staff's token or not."""
    if endpoint.key in {e.key for e in of_site("library")}:
        return
    example = scenes.example("public", endpoint.key, scenes.public, "staff")
    client = scenes.client(scenes.north, "admin")
    with nothing_written(endpoint):
        answer = send(client, endpoint.method, example)
    assert answer.status_code == 404


# -- reading changes nothing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("site", ["library", "public"])
def test_no_get_writes_anything(scenes: Scenes, site: str) -> None:
    caller = "admin" if site == "library" else "operator"
    scene = scenes.of(site)
    client = scenes.client(scene, caller, browser=True)
    # What an example is made of may have to be written first.
    examples = [
        scenes.example(site, endpoint.key, scene, caller)
        for endpoint in of_site(site)
        if endpoint.method == "GET"
    ]
    before = snapshot(*SCHEMAS)
    for example in examples:
        assert send(client, "GET", example).status_code == example.status
    assert differences(before, snapshot(*SCHEMAS)) == {}
