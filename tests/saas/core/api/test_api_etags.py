"""Entity tags: who read a version may change it, who has it need not load it again."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from saas.core.api.etags import etag_of, record_response, require_match
from saas.core.api.views import ApiView
from saas.core.errors import PreconditionFailed, PreconditionRequired

Call = Callable[..., Any]
ROW = SimpleNamespace(pk=4711, version=7)


def request(**headers: str) -> Request:
    return Request(APIRequestFactory().get("/", headers=headers))


def test_a_tag_names_row_version_and_form() -> None:
    assert etag_of(ROW) == '"4711.7.json"'
    tags = {
        etag_of(ROW),
        etag_of(ROW, "marcxml"),
        etag_of(SimpleNamespace(pk=4711, version=8)),
        etag_of(SimpleNamespace(pk=471, version=17)),
    }
    assert len(tags) == 4


@pytest.mark.parametrize(
    "header",
    ['"4711.7.json"', '"4711.7.marcxml"', "*", '"1.1.json", "4711.7.json"', ' "x" ,"4711.7.json" '],
)
def test_the_version_that_was_read_may_be_changed(header: str) -> None:
    require_match(request(**{"if-match": header}), ROW)


@pytest.mark.parametrize(
    "header",
    [
        '"4711.6.json"',
        '"4711.8.json"',
        '"4711.70.json"',
        '"471.7.json"',
        'W/"4711.7.json"',
        "4711.7.json",
        '"4711.7.json',
        "",
        '"',
        "é" * 10,
        '"x",' * 5000,
    ],
)
def test_another_version_is_412(header: str) -> None:
    with pytest.raises(PreconditionFailed):
        require_match(request(**{"if-match": header}), ROW)


def test_no_header_is_428() -> None:
    with pytest.raises(PreconditionRequired):
        require_match(request(), ROW)


class One(ApiView):
    permissions = {"GET": None}

    def get(self, request: Any) -> Any:
        return record_response(request, ROW, lambda: {"id": "4711"})


def test_a_record_carries_its_strong_tag(call: Call) -> None:
    response = call(One)
    assert (response.status_code, response["ETag"]) == (200, '"4711.7.json"')


@pytest.mark.parametrize("header", ['"4711.7.json"', 'W/"4711.7.json"', '"x", "4711.7.json"', "*"])
@pytest.mark.parametrize("method", ["get", "head"])
def test_the_same_version_is_304_without_a_body(call: Call, header: str, method: str) -> None:
    response = call(One, method, headers={"If-None-Match": header})
    assert (response.status_code, response.content, response["ETag"]) == (304, b"", '"4711.7.json"')


def test_a_304_does_not_even_represent_the_row(call: Call) -> None:
    seen: list[int] = []

    class Counting(ApiView):
        permissions = {"GET": None}

        def get(self, request: Any) -> Any:
            return record_response(request, ROW, lambda: seen.append(1))

    call(Counting, headers={"If-None-Match": '"4711.7.json"'})
    assert seen == []
    call(Counting)
    assert seen == [1]


@pytest.mark.parametrize("header", ['"4711.6.json"', '"4711.7.marcxml"', "nonsense", ""])
def test_another_version_or_form_is_sent(call: Call, header: str) -> None:
    response = call(One, headers={"If-None-Match": header})
    assert (response.status_code, json.loads(response.content)) == (200, {"id": "4711"})


class Many(ApiView):
    permissions = {"GET": None, "POST": None}
    rows: list[int] = [1, 2]
    status = 200

    def get(self, request: Any) -> Response:
        return Response({"results": self.rows}, status=self.status)

    def post(self, request: Any) -> Response:
        return Response({"results": self.rows})


def test_a_list_carries_a_weak_tag_that_follows_its_rows(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    before = call(Many)["ETag"]
    assert before.startswith('W/"')
    assert call(Many)["ETag"] == before
    monkeypatch.setattr(Many, "rows", [1, 2, 3])
    assert call(Many)["ETag"] != before


def test_an_unchanged_list_is_304(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    tag = {"If-None-Match": call(Many)["ETag"]}
    response = call(Many, headers=tag)
    assert (response.status_code, response.content) == (304, b"")
    monkeypatch.setattr(Many, "rows", [])
    assert call(Many, headers=tag).status_code == 200


def test_only_a_successful_get_is_tagged(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not call(Many, "post", body={}).has_header("ETag")
    monkeypatch.setattr(Many, "status", 202)
    assert not call(Many).has_header("ETag")
    assert not call(Many, "put").has_header("ETag")
