"""Bodies: bounded before they are read, UTF-8, uncompressed."""

import io
import os
from pathlib import Path
from typing import Any

import pytest
from django.test import RequestFactory

from saas.core.api.parsers import StrictJSONParser
from saas.core.errors import BodyTooLarge, MalformedJson, UnsupportedMediaType

DATA = Path(os.environ.get("LIBRARYHUB_TEST_DATA", Path(__file__).parents[5] / "shared" / "data"))
SUITE = sorted((DATA / "badinput" / "jsontestsuite" / "test_parsing").glob("*.json"))


class Watched(io.BytesIO):
    """A body that notes how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.taken += len(found)
        return found


def parse(body: bytes | io.BytesIO, media_type: str = "application/json", **meta: Any) -> Any:
    stream = io.BytesIO(body) if isinstance(body, bytes) else body
    request = RequestFactory().post("/", b"", content_type="application/json")
    request.META.pop("CONTENT_LENGTH", None)
    request.META.update(meta)
    return StrictJSONParser().parse(stream, media_type, {"request": request})


def test_a_body_at_the_limit_is_read_and_one_beyond_is_413(settings: Any) -> None:
    settings.API_MAX_BODY_BYTES = 100
    assert parse(b'"' + b"x" * 98 + b'"') == "x" * 98
    with pytest.raises(BodyTooLarge) as caught:
        parse(b'"' + b"x" * 99 + b'"')
    assert caught.value.extension_members == {"max_bytes": 100}


def test_an_announced_length_is_believed_before_anything_is_read(settings: Any) -> None:
    settings.API_MAX_BODY_BYTES = 100
    body = Watched(b"[]")
    with pytest.raises(BodyTooLarge):
        parse(body, CONTENT_LENGTH="101")
    assert body.taken == 0


@pytest.mark.parametrize("announced", ["1", "-5", "", "x", "²"])
def test_a_lying_length_does_not_lift_the_limit(settings: Any, announced: str) -> None:
    settings.API_MAX_BODY_BYTES = 100
    body = Watched(b'"' + b"x" * 1_000_000 + b'"')
    with pytest.raises(BodyTooLarge):
        parse(body, CONTENT_LENGTH=announced)
    assert body.taken == 101


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8", '"utf-8"'])
def test_utf_8_may_be_named(charset: str) -> None:
    assert parse(b"[1]", f"application/json; charset={charset}") == [1]


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "utf-7", "bz2_codec", "nonsense"])
def test_another_charset_is_415(charset: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        parse(b"[1]", f"application/json; charset={charset}")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity"])
def test_a_compressed_body_is_415(encoding: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        parse(b"[1]", HTTP_CONTENT_ENCODING=encoding)


def test_identity_is_no_compression() -> None:
    assert parse(b"[1]", HTTP_CONTENT_ENCODING="identity") == [1]


def test_a_problem_says_where() -> None:
    with pytest.raises(MalformedJson) as caught:
        parse(b'{"a": 1,\n "a": 2}')
    assert str(caught.value.detail) == "A key stands twice in one object (line 2, column 2)."
    assert caught.value.extension_members == {"line": 2, "column": 2}


@pytest.mark.skipif(not SUITE, reason="the test data folder is missing (LIBRARYHUB_TEST_DATA)")
def test_the_whole_suite_gives_values_or_malformed_json_and_nothing_else() -> None:
    outcomes = {"value": 0, "refused": 0}
    for file in SUITE:
        try:
            parse(file.read_bytes())
            outcomes["value"] += 1
        except MalformedJson as error:
            assert error.detail, file.name  # noqa: PT017
            outcomes["refused"] += 1
    assert sum(outcomes.values()) == 318
    assert outcomes["value"] >= 91
    assert outcomes["refused"] >= 188
