"""JSON out: one spelling for moments, dates and amounts."""

import datetime as dt
import json
import uuid
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ErrorDetail
from rest_framework.test import APIRequestFactory
from rest_framework.utils.serializer_helpers import ReturnDict

from saas.core.api.renderers import AcceptNegotiation, ORJSONRenderer, dump
from saas.core.errors import NotAcceptable

ROME = dt.timezone(dt.timedelta(hours=1))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC), "2026-11-20T09:30:00Z"),
        (dt.datetime(2026, 11, 20, 10, 30, tzinfo=ROME), "2026-11-20T09:30:00Z"),
        (dt.datetime(2026, 11, 20, 9, 30, 0, 5, tzinfo=dt.UTC), "2026-11-20T09:30:00.000005Z"),
        (dt.date(2026, 11, 20), "2026-11-20"),
        (dt.time(9, 30), "09:30:00"),
        (Decimal("3.50"), "3.50"),
        (Decimal("1E+3"), "1000"),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (gettext_lazy("Monday"), "Monday"),
        (frozenset({"b", "a"}), ["a", "b"]),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (ErrorDetail("x", code="y"), "x"),
        (ReturnDict({"a": 1}, serializer=None), {"a": 1}),
        ((1, 2), [1, 2]),
        ({1: "x"}, {"1": "x"}),
        ("è 𝄞", "è 𝄞"),
        (None, None),
    ],
)
def test_values(value: Any, expected: Any) -> None:
    assert json.loads(dump({"v": value})) == {"v": expected}


@pytest.mark.parametrize("value", [dt.datetime(2026, 11, 20), object(), b"bytes", 2**70])
def test_what_has_no_form_is_a_bug(value: Any) -> None:
    with pytest.raises(TypeError):
        dump(value)


def test_the_renderer() -> None:
    assert ORJSONRenderer().render({"a": "è"}) == '{"a":"è"}'.encode()
    assert ORJSONRenderer().render(None) == b""
    assert ORJSONRenderer.media_type == "application/json"


class Marc:
    media_type, format = "application/marc", "marc"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "json"),
        ("", "json"),
        (" , ", "json"),
        ("*/*", "json"),
        ("application/*", "json"),
        ("application/marc", "marc"),
        ("Application/MARC", "marc"),
        ("application/marc, application/json", "json"),
        ("application/marc, application/json;q=0.9", "marc"),
        ("application/marc;q=0.1, */*;q=0.2", "json"),
        ("application/json;q=0, */*", "marc"),
        ("application/json;q=0.001;charset=utf-8, text/*", "json"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "json"),
        ("application/marc;q=2, application/json;q=0.1", "json"),
        ("text/csv", None),
        ("application/json;q=0", None),
        ("nonsense/", "json"),
        ("*/json", None),
        ("application/json;q=0, application/marc;q=0.000", None),
        ("a/b," * 5_000 + "application/json", None),
    ],
)
def test_the_form_follows_the_weights_of_accept(accept: str | None, expected: str | None) -> None:
    headers = {} if accept is None else {"accept": accept}
    request = APIRequestFactory().get("/", headers=headers)
    forms = [ORJSONRenderer(), Marc()]
    if expected is None:
        with pytest.raises(NotAcceptable) as raised:
            AcceptNegotiation().select_renderer(request, forms)
        assert raised.value.extension_members == {"available": ["application/json", "application/marc"]}
        return
    chosen, media_type = AcceptNegotiation().select_renderer(request, forms)
    assert (chosen.format, media_type) == (expected, chosen.media_type)
