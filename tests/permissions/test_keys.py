"""A key with every permission that a key can have, at every address of a library: what it opens and what needs a person."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core import clock
from saas.core.tenancy import in_library
from tenant_apps.keys.models import ApiKey
from tenant_apps.keys.rules import NEVER_BY_KEY
from tests.permissions.examples import send
from tests.permissions.inventory import Endpoint, of_site
from tests.permissions.scenes import Scenes
from tests.snapshots import differences, snapshot
from tests.tenant_apps.keys.makers import ALL, key_client, make_key

pytestmark = pytest.mark.django_db
# Declared open, and of use to a machine: what it may do, and why.
TELLS_A_KEY = {"GET /api/v1/me/", "GET /api/v1/permissions/", "GET /api/v1/permissions/explain/"}
ROUTES = [e for e in of_site("library") if e.is_api_view and e.reads_tokens]
NEEDS_A_PERSON = [e for e in ROUTES if e.declared is None and e.key not in TELLS_A_KEY]
NEVER = [e for e in ROUTES if e.declared in NEVER_BY_KEY]
OPEN = [e for e in ROUTES if e not in NEEDS_A_PERSON and e not in NEVER]


def ask(scenes: Scenes, endpoint: Endpoint) -> tuple[Any, Any, dict[str, Any]]:
    """The answer to a key's example request, what was expected of it, and what has changed by it."""
    made = make_key(scenes.north.library, *ALL)
    with in_library(scenes.north.library):
        ApiKey.objects.filter(pk=made.row.pk).update(last_used_at=clock.now())
    example = scenes.example("library", endpoint.key, scenes.north, "admin")
    before = snapshot("lib_north", "public")
    answer = send(key_client(scenes.north.library, made.key), endpoint.method, example)
    return answer, example, differences(before, snapshot("lib_north", "public"))


def test_there_is_something_of_each() -> None:
    assert len(OPEN) > 40
    assert len(NEEDS_A_PERSON) > 5
    assert {e.declared for e in NEVER} == NEVER_BY_KEY
    assert {e.key for e in ROUTES} >= TELLS_A_KEY


@pytest.mark.parametrize("endpoint", OPEN, ids=lambda endpoint: endpoint.key)
def test_a_key_with_the_permission_gets_through(scenes: Scenes, endpoint: Endpoint) -> None:
    answer, example, _changed = ask(scenes, endpoint)
    assert answer.status_code == example.status, getattr(answer, "content", b"")[:500]


@pytest.mark.parametrize("endpoint", NEEDS_A_PERSON, ids=lambda endpoint: endpoint.key)
def test_what_is_about_a_person_refuses_a_key(scenes: Scenes, endpoint: Endpoint) -> None:
    answer, _example, changed = ask(scenes, endpoint)
    assert (answer.status_code, answer.json()["code"]) == (403, "person_required")
    assert changed == {}


@pytest.mark.parametrize("endpoint", NEVER, ids=lambda endpoint: endpoint.key)
def test_what_no_key_may_do_is_refused(scenes: Scenes, endpoint: Endpoint) -> None:
    answer, _example, changed = ask(scenes, endpoint)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert changed == {}
