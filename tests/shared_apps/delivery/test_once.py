"""A form that is sent twice does its work once; what was changed before it was sent again is another form."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.test import RequestFactory

from saas.core.errors import Conflict
from saas.core.principals import Principal
from saas.core.tenancy import in_library
from shared_apps.delivery.models import IdempotentAnswer
from shared_apps.delivery.services import once
from tenant_apps.branches.models import Branch
from tests.database import wait_for_a_waiter


def sent(number: str, *, user: int | None = 1, path: str = "/branches/", **fields: str) -> HttpRequest:
    request = RequestFactory().post(
        path, {"form_id": number, "csrfmiddlewaretoken": uuid.uuid4().hex, **fields}
    )
    request.user = AnonymousUser()
    request._principal = Principal(user_id=user)  # type: ignore[attr-defined]
    return request


def make_branch() -> HttpResponse:
    branch = Branch.objects.create(code=uuid.uuid4().hex, name="New", time_zone="UTC")
    return HttpResponseRedirect(f"/branches/{branch.pk}/", status=303)


@pytest.fixture
def number() -> str:
    return uuid.uuid4().hex


def test_the_second_answer_is_the_first(in_north: Any, number: str) -> None:
    before = Branch.objects.count()
    first = once(sent(number, name="A"), make_branch)
    second = once(sent(number, name="A"), make_branch)
    assert (second.status_code, second["Location"]) == (303, first["Location"])
    assert Branch.objects.count() == before + 1


@pytest.mark.parametrize(
    "other",
    [
        {"name": "B"},
        {"name": "A", "path": "/elsewhere/"},
        {"name": "A", "user": 2},
        {"name": "A", "more": ""},
    ],
)
def test_another_form_does_its_own_work(in_north: Any, number: str, other: dict[str, Any]) -> None:
    first = once(sent(number, name="A"), make_branch)
    assert once(sent(number, **other), make_branch)["Location"] != first["Location"]


@pytest.mark.parametrize("number", ["", "x", "A" * 32, "0" * 31, "0" * 33])
def test_without_a_number_it_is_done_each_time(in_north: Any, number: str) -> None:
    first = once(sent(number), make_branch)
    assert once(sent(number), make_branch)["Location"] != first["Location"]
    assert not IdempotentAnswer.objects.exists()


def test_nobody_in_particular_has_no_stored_answers(in_north: Any, number: str) -> None:
    once(sent(number, user=None), make_branch)
    assert not IdempotentAnswer.objects.exists()


def test_a_refusal_undoes_all_and_may_be_sent_again(in_north: Any, number: str) -> None:
    before = Branch.objects.count()

    def refuse() -> HttpResponse:
        make_branch()
        raise Conflict

    with pytest.raises(Conflict):
        once(sent(number), refuse)
    assert (Branch.objects.count(), IdempotentAnswer.objects.count()) == (before, 0)
    assert once(sent(number), make_branch).status_code == 303
    assert Branch.objects.count() == before + 1


def test_another_library_knows_nothing_of_it(north: Any, south: Any, number: str) -> None:
    with in_library(north):
        once(sent(number), make_branch)
    with in_library(south):
        before = Branch.objects.count()
        once(sent(number), make_branch)
        assert Branch.objects.count() == before + 1


def test_a_double_click_does_its_work_once(committed_library: Any, number: str) -> None:
    """Both requests are there before the first has answered: the second waits for it and repeats its answer."""
    inside, go_on = threading.Event(), threading.Event()
    answers: list[str] = []

    def slowly() -> HttpResponse:
        response = make_branch()
        inside.set()
        assert go_on.wait(10)
        return response

    def click(work: Callable[[], HttpResponse]) -> None:
        try:
            with in_library(committed_library):
                answers.append(once(sent(number), work)["Location"])
        finally:
            connection.close()

    with in_library(committed_library):
        before = Branch.objects.count()
    first = threading.Thread(target=click, args=(slowly,))
    first.start()
    assert inside.wait(10)
    second = threading.Thread(target=click, args=(make_branch,))
    second.start()
    _wait_until_blocked()
    go_on.set()
    first.join(10)
    second.join(10)
    assert len(answers) == 2
    assert answers[0] == answers[1]
    with in_library(committed_library):
        assert Branch.objects.count() == before + 1


def _wait_until_blocked() -> None:
    assert wait_for_a_waiter(), "nobody waits"
