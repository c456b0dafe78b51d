"""Idempotency-Key: the same answer again, the work once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import connection
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from saas.core import clock
from saas.core.api.views import ApiView
from saas.core.errors import Conflict, RateLimited
from saas.core.tenancy import in_library
from shared_apps.delivery.models import IdempotentAnswer
from shared_apps.delivery.services import idempotent
from tenant_apps.branches.models import Branch

behaviour: dict[str, Any] = {}


class AddBranch(ApiView):
    """Adds a branch, then does what the test says."""

    permissions: ClassVar[dict[str, str | None]] = {"POST": None}
    throttle_classes: ClassVar[list[Any]] = []

    @idempotent
    def post(self, request: Request) -> Response:
        """Make the branch that the body names."""
        branch = Branch.objects.create(code=request.data["code"], name="Branch", time_zone="UTC")
        if "wait" in behaviour:
            behaviour["entered"].set()
            behaviour["wait"].wait(timeout=10)
        if "error" in behaviour:
            raise behaviour["error"]
        return Response({"id": str(branch.pk)}, status=201, headers={"Location": f"/b/{branch.pk}/"})


@pytest.fixture(autouse=True)
def _behave() -> Iterator[None]:
    behaviour.clear()
    yield
    behaviour.clear()


def post(code: str = "new", key: str | None = "k1", address: str = "10.0.0.1", **headers: str) -> Any:
    headers |= {} if key is None else {"HTTP_IDEMPOTENCY_KEY": key}
    request = APIRequestFactory().post(
        "/api/v1/branches/", {"code": code}, format="json", REMOTE_ADDR=address, **headers
    )
    response = AddBranch.as_view()(request)
    if hasattr(response, "render"):
        response.render()
    return response


def branches() -> list[str]:
    return list(Branch.objects.exclude(code="main").values_list("code", flat=True))


@pytest.mark.usefixtures("in_north")
class TestOneCaller:
    def test_the_same_request_gets_the_same_answer_and_is_done_once(self) -> None:
        first, second = post(), post()
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.content == second.content
        assert first["Location"] == second["Location"]
        assert not first.has_header("Idempotent-Replayed")
        assert second["Idempotent-Replayed"] == "true"
        assert branches() == ["new"]

    def test_without_a_key_nothing_is_stored(self) -> None:
        assert post(key=None).status_code == 201
        assert not IdempotentAnswer.objects.exists()

    def test_another_key_is_another_request(self) -> None:
        assert post("one", "k1").status_code == post("two", "k2").status_code == 201
        assert branches() == ["one", "two"]

    def test_the_key_with_another_body_is_refused_and_changes_nothing(self) -> None:
        post("one")
        answer = post("two")
        assert answer.status_code == 422
        assert json.loads(answer.content)["code"] == "idempotency_key_reused"
        assert branches() == ["one"]

    def test_a_refusal_is_stored_and_its_work_undone(self) -> None:
        behaviour["error"] = Conflict("taken")
        first = post()
        behaviour.clear()
        second = post()
        assert (first.status_code, second.status_code) == (409, 409)
        assert first.content == second.content
        assert second["Content-Type"].startswith("application/problem+json")
        assert branches() == []

    @pytest.mark.parametrize("error", [RateLimited(retry_after=3), ZeroDivisionError()])
    def test_429_and_500_are_not_stored_so_that_the_client_may_try_again(self, error: Exception) -> None:
        behaviour["error"] = error
        assert post().status_code in {429, 500}
        assert branches() == []
        assert not IdempotentAnswer.objects.exists()
        behaviour.clear()
        assert post().status_code == 201
        assert branches() == ["new"]

    @pytest.mark.parametrize("key", ["", "x" * 256, "sp\tace", "ключ"])
    def test_a_key_that_is_no_key_is_refused(self, key: str) -> None:
        answer = post(key=key)
        assert answer.status_code == 400
        assert json.loads(answer.content)["code"] == "idempotency_key_invalid"
        assert branches() == []

    def test_the_longest_key_is_taken(self) -> None:
        assert post(key="x" * 255).status_code == 201

    def test_another_caller_with_the_same_key_is_another_request(self) -> None:
        post("one", address="10.0.0.1")
        assert post("two", address="10.0.0.2").status_code == 201
        assert branches() == ["one", "two"]

    def test_behind_a_proxy_the_caller_is_the_one_in_front_of_it(self, settings: Any) -> None:
        settings.TRUSTED_PROXY_COUNT = 1
        post("one", HTTP_X_FORWARDED_FOR="203.0.113.1")
        assert post("two", HTTP_X_FORWARDED_FOR="203.0.113.2").status_code == 201
        assert branches() == ["one", "two"]
        replayed = post("one", address="10.0.0.2", HTTP_X_FORWARDED_FOR="203.0.113.1")
        assert replayed["Idempotent-Replayed"] == "true"

    def test_the_stored_row_does_not_hold_the_body_sent(self) -> None:
        post("secret-code")
        answer = IdempotentAnswer.objects.get()
        assert "secret-code" not in f"{answer.fingerprint}{answer.headers}{bytes(answer.body or b'')!r}"
        assert answer.created_at > clock.now() - timedelta(minutes=1)


def test_a_key_used_in_one_library_is_unknown_in_another(north: Any, south: Any) -> None:
    with in_library(north):
        post()
    with in_library(south):
        answer = post()
        assert answer.status_code == 201
        assert not answer.has_header("Idempotent-Replayed")
        assert branches() == ["new"]


def in_thread(library: Any, answers: list[Any]) -> threading.Thread:
    def work() -> None:
        with in_library(library):
            answers.append(post())
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_while_the_first_is_running_the_second_is_told_so(committed_library: Any) -> None:
    behaviour["wait"], behaviour["entered"] = threading.Event(), threading.Event()
    answers: list[Any] = []
    first = in_thread(committed_library, answers)
    assert behaviour["entered"].wait(timeout=10)
    with in_library(committed_library):
        second = post()
    assert second.status_code == 409
    assert json.loads(second.content)["code"] == "idempotency_in_progress"
    behaviour["wait"].set()
    first.join(timeout=10)
    assert [answer.status_code for answer in answers] == [201]
    with in_library(committed_library):
        assert post()["Idempotent-Replayed"] == "true"
        assert branches() == ["new"]


def test_eight_at_once_do_the_work_once(committed_library: Any) -> None:
    answers: list[Any] = []
    threads = [in_thread(committed_library, answers) for _ in range(8)]
    for thread in threads:
        thread.join(timeout=30)
    assert sorted({answer.status_code for answer in answers}) == [201]
    assert len({answer.content for answer in answers}) == 1
    with in_library(committed_library):
        assert branches() == ["new"]
