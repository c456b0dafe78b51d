"""The same numbers in both libraries: each shows its own rows, whatever went wrong just before on the connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from tenant_apps.catalog.api.titles import TitleViewSet
from tests.answers import told
from tests.isolation.numbering import build_twins
from tests.permissions.examples import send
from tests.permissions.inventory import of_site
from tests.permissions.scene import Scene
from tests.permissions.scenes import Scenes

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def twins(scenes: Scenes) -> tuple[Scene, Scene]:
    """North and south with equal ids."""
    north, south = build_twins(scenes.north.library, scenes.south.library)
    return north, south


READS = [
    endpoint
    for endpoint in of_site("library")
    if endpoint.method == "GET"
    and (endpoint.parameters or "search" in endpoint.path)
    and "code" not in endpoint.parameters
]


@pytest.mark.parametrize("endpoint", READS, ids=lambda endpoint: endpoint.key)
def test_each_library_shows_its_own_row_under_the_same_address(
    scenes: Scenes, twins: tuple[Scene, Scene], endpoint: Any
) -> None:
    bodies = []
    for scene in (*twins, *twins):
        example = scenes.example("library", endpoint.key, scene, "admin")
        answer = send(scenes.client(scene, "admin", browser=endpoint.is_page), "GET", example)
        assert answer.status_code == 200
        bodies.append(told(answer)[1])
        other = "south" if scene.library.subdomain == "north" else "north"
        assert f"Secret of {other}".encode() not in answer.content
    if endpoint.path not in ("/titles/{pk}/", "/api/v1/titles/{pk}/availability/", "/api/v1/imports/{pk}/"):
        assert bodies[0] != bodies[1]
        assert (bodies[0], bodies[1]) == (bodies[2], bodies[3])


# -- after an error in the other library ------------------------------------------------------------------------------------


def bad_request(client: Any, scene: Scene, _patch: pytest.MonkeyPatch) -> None:
    assert client.post("/api/v1/titles/", {"titel": "x"}, format="json").status_code == 400


def not_found(client: Any, scene: Scene, _patch: pytest.MonkeyPatch) -> None:
    assert client.get("/api/v1/titles/4611686018427387904/").status_code == 404


def refused_write(client: Any, scene: Scene, _patch: pytest.MonkeyPatch) -> None:
    """A unique index refuses, inside a savepoint that is rolled back."""
    body = {"code": scene.branch.code, "name": "Twice", "time_zone": "Europe/Rome"}
    assert client.post("/api/v1/branches/", body, format="json").status_code in (400, 409)


def _raising(client: Any, scene: Scene, patch: pytest.MonkeyPatch, fail: Callable[[], None]) -> None:
    def retrieve(view: Any, request: Any, pk: str) -> None:
        view.get_object()
        fail()

    client.raise_request_exception = False
    with patch.context() as during:
        during.setattr(TitleViewSet, "retrieve", retrieve)
        assert client.get(f"/api/v1/titles/{scene.title.pk}/").status_code == 500


def crash(client: Any, scene: Scene, patch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    _raising(client, scene, patch, fail)


def crash_in_a_transaction(client: Any, scene: Scene, patch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        with transaction.atomic():
            type(scene.title).objects.filter(pk=scene.title.pk).update(subtitle="half done")
            with transaction.atomic():
                type(scene.title).objects.filter(pk=scene.title.pk).update(subtitle="half of the half")
                raise ZeroDivisionError

    _raising(client, scene, patch, fail)


def database_error(client: Any, scene: Scene, patch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT no_such_function()")
        except DatabaseError as error:
            raise RuntimeError from error

    _raising(client, scene, patch, fail)


def path_changed_in_a_rolled_back_savepoint(client: Any, scene: Scene, patch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET search_path = public")
            raise ZeroDivisionError

    _raising(client, scene, patch, fail)


ERRORS = [
    bad_request,
    not_found,
    refused_write,
    crash,
    crash_in_a_transaction,
    database_error,
    path_changed_in_a_rolled_back_savepoint,
]


@pytest.mark.parametrize("fail", ERRORS, ids=lambda function: function.__name__)
@pytest.mark.parametrize("order", ["north-south", "south-north"])
def test_after_an_error_in_one_library_the_other_sees_its_own(
    scenes: Scenes,
    twins: tuple[Scene, Scene],
    fail: Callable[..., None],
    order: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failing, asking = twins if order == "north-south" else (twins[1], twins[0])
    one, other = scenes.client(failing, "admin"), scenes.client(asking, "admin")
    path = f"/api/v1/titles/{asking.title.pk}/"
    assert other.get(path).json()["title"] == f"Secret of {asking.library.subdomain}"
    fail(one, failing, monkeypatch)
    answer = other.get(path).json()
    assert answer["title"] == f"Secret of {asking.library.subdomain}"
    assert answer["subtitle"] == ""
    assert one.get(path).json()["title"] == f"Secret of {failing.library.subdomain}"
