"""The language of an answer: the browser's wish, then the library's own, on pages and on refusals alike."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, RequestFactory

from saas.core.language import accepted_language
from saas.core.tenancy import in_public
from shared_apps.tenants.models import Library


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("it", "it"),
        ("it-CH,en;q=0.5", "it"),
        ("de, it;q=0.3", "it"),
        ("it;q=0.3, en;q=0.4", "en"),
        ("it;q=0.5, en;q=0.5", "it"),
        ("IT", "it"),
        ("it;q=0", None),
        ("it;q=0, en;q=0.1", "en"),
        ("it;q=0.000, *", None),
        ("*, it;q=0.9", None),
        ("*;q=0.1, it;q=0.2", "it"),
        ("it;q=2", None),
        ("it;q=-1", None),
        ("it;;q=1", None),
        ("../../etc/passwd", None),
        ("it\x00", None),
        ("\u00e8, it", None),
        ("it, " + "xx-yy;q=0.1, " * 200, "it"),
        ("it" * 300, None),
        ("xx", None),
        ("*", None),
        ("", None),
        ("en;q=abc", None),
        ("a" * 100_000, None),
    ],
)
def test_the_best_language_that_we_have(header: str, expected: str | None) -> None:
    assert accepted_language(RequestFactory().get("/", headers={"accept-language": header})) == expected


@pytest.mark.parametrize(
    ("status", "path", "expected"),
    [("active", "/", 200), ("active", "/titles/999999/", 404), ("suspended", "/", 402), ("closed", "/", 410)],
)
def test_refusals_speak_the_language_of_the_librarys_pages(
    north: Any, status: str, path: str, expected: int
) -> None:
    with in_public():
        Library.objects.filter(pk=north.id).update(language="it", status=status)
    client = Client(HTTP_HOST="north.localhost")
    page = client.get(path)
    assert page.status_code == expected
    assert '<html lang="it"' in page.content.decode()
    assert '<html lang="en"' in client.get(path, headers={"accept-language": "en"}).content.decode()


@pytest.mark.usefixtures("north")
def test_no_cookie_chooses_the_language() -> None:
    client = Client(HTTP_HOST="nowhere.localhost")
    client.cookies["django_language"] = "it"
    assert '<html lang="en"' in client.get("/").content.decode()
