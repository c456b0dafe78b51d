"""Headers that are put in ready are the ones that setting them would give."""

from __future__ import annotations

import pytest
from django.http import BadHeaderError, HttpResponse, HttpResponseNotModified
from django.utils.cache import patch_vary_headers

from saas.core.headers import add_fixed, fixed, vary_on

HEADERS = {"X-Frame-Options": "DENY", "Cache-Control": "no-store", "X-Name": "Bücherei"}


def test_they_are_as_if_each_had_been_set() -> None:
    ready, plain = HttpResponse("x"), HttpResponse("x")
    add_fixed(ready, fixed(HEADERS))
    for name, value in HEADERS.items():
        plain[name] = value
    assert ready.serialize_headers() == plain.serialize_headers()
    assert ready["x-frame-options"] == "DENY"


def test_what_an_answer_has_stays() -> None:
    answer = HttpResponseNotModified(headers={"cache-control": "max-age=5"})
    add_fixed(answer, fixed(HEADERS))
    add_fixed(answer, fixed({"X-Frame-Options": "SAMEORIGIN"}))
    assert answer["Cache-Control"] == "max-age=5"
    assert answer["X-Frame-Options"] == "DENY"


def test_one_answers_headers_are_not_the_nexts() -> None:
    ready = fixed(HEADERS)
    first, second = HttpResponse("x"), HttpResponse("x")
    add_fixed(first, ready)
    first["X-Frame-Options"] = "other"
    del first["Cache-Control"]
    add_fixed(second, ready)
    assert (second["X-Frame-Options"], second["Cache-Control"]) == ("DENY", "no-store")


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "a\nb"])
def test_a_header_that_would_be_two_is_refused(value: str) -> None:
    with pytest.raises(BadHeaderError):
        fixed({"X-Name": value})


@pytest.mark.parametrize(
    "before", [None, "*", "Accept", "accept-language, ORIGIN", "origin", "Cookie,  Accept"]
)
@pytest.mark.parametrize("name", ["origin", "Accept", "Accept-Language"])
def test_vary_grows_as_djangos_helper_lets_it(before: str | None, name: str) -> None:
    ours, theirs = HttpResponse("x"), HttpResponse("x")
    for answer in (ours, theirs):
        if before is not None:
            answer["Vary"] = before
    vary_on(ours, name)
    patch_vary_headers(theirs, (name,))
    assert ours["Vary"] == theirs["Vary"]
