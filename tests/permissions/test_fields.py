"""Members that nobody may set: sent along with a body that is right, they are refused, and nothing is written."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.permissions.examples import send
from tests.permissions.inventory import UNSAFE, Endpoint, endpoints
from tests.permissions.scenes import Scenes
from tests.snapshots import differences, snapshot

pytestmark = pytest.mark.django_db
FORBIDDEN: dict[str, Any] = {
    "id": "1",
    "pk": 1,
    "version": 99,
    "is_staff": True,
    "is_superuser": True,
    "is_active": False,
    "verified": True,
    "role_": "admin",
    "roles": ["admin"],
    "permissions": ["roles.manage"],
    "tenant": "lib_south",
    "library": "south",
    "library_id": "1",
    "schema_name": "lib_south",
    "created_at": "2001-01-01T00:00:00Z",
    "created_by": "1",
    "checked_out_at": "2001-01-01T00:00:00Z",
    "due_at": "2099-01-01T00:00:00Z",
    "due_date": "2099-01-01",
    "returned_at": "2001-01-01T00:00:00Z",
    "rules": {},
    "balance": "0.00",
    "status": "active",
    "state": "done",
    "password_hash": "x",
    "search_": "x",
    "marc": "x",
    "user_id": 1,
    "__proto__": {},
}
# What an address is for, and what its own tests look after: it may be set there, by whoever may.
MEANT = {
    "POST /api/v1/roles/": {"permissions"},
    "PATCH /api/v1/roles/{pk}/": {"permissions"},
    "POST /api/v1/api-keys/": {"permissions"},
    "PATCH /api/v1/service-accounts/{pk}/": {"is_active"},
}
BODIES = [
    endpoint
    for endpoint in endpoints()
    if endpoint.method in UNSAFE
    and endpoint.is_api_view
    and endpoint.method != "DELETE"
    and "cancel" not in endpoint.path
]


@pytest.mark.parametrize("endpoint", BODIES, ids=str)
def test_what_nobody_may_set_is_refused(scenes: Scenes, endpoint: Endpoint) -> None:
    scene = scenes.of(endpoint.site)
    caller = "admin" if endpoint.site == "library" else "operator"
    example = scenes.example(endpoint.site, endpoint.key, scene, caller)
    client = scenes.client(scene, caller)
    taken = []
    before = snapshot("lib_north", "public")
    for name, value in FORBIDDEN.items():
        # What an address is about, its own rules say who may set.
        if name in MEANT.get(endpoint.key, ()) or name in example.body:
            continue
        sent = str(value) if example.form else value
        answer = send(
            client, endpoint.method, dataclasses.replace(example, body={**example.body, name: sent})
        )
        if example.form:
            example.body["file"].seek(0)
        codes = {error["code"] for error in answer.json().get("errors", ())}
        if answer.status_code != 400 or not codes & {"unknown_field", "read_only"}:
            taken.append((name, answer.status_code, codes))
    assert taken == []
    assert differences(before, snapshot("lib_north", "public")) == {}


SECRETS = (
    "password",
    "argon2",
    "md5$",
    "pbkdf2",
    "token_digest",
    "token_nonce",
    "marc_hash",
    "schema_name",
    "lib_north",
)


@pytest.mark.parametrize("endpoint", [e for e in endpoints() if e.method == "GET" and e.is_api_view], ids=str)
def test_no_answer_shows_what_is_kept_inside(scenes: Scenes, endpoint: Endpoint) -> None:
    scene = scenes.of(endpoint.site)
    caller = "admin" if endpoint.site == "library" else "operator"
    answer = send(
        scenes.client(scene, caller), "GET", scenes.example(endpoint.site, endpoint.key, scene, caller)
    )
    text = answer.content.decode(errors="replace").lower()
    assert [secret for secret in SECRETS if secret in text] == []


def test_readers_and_guests_see_no_barcode_and_no_price(scenes: Scenes) -> None:
    path = f"/api/v1/copies/{scenes.north.copy.pk}/"
    assert scenes.client(scenes.north, "librarian").get(path).json()["barcode"] == scenes.north.copy.barcode
    for caller in ("reader", "anonymous"):
        for address in (
            path,
            "/api/v1/copies/",
            f"/api/v1/titles/{scenes.north.title.pk}/",
            "/api/v1/titles/",
        ):
            answer = scenes.client(scenes.north, caller).get(address)
            assert answer.status_code == 200
            assert scenes.north.copy.barcode not in answer.content.decode()
