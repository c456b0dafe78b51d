"""Texts follow Accept-Language everywhere, codes nowhere; whatever the header says, nothing breaks."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from saas.core.errors import DomainError, all_error_classes
from tests.contract.lists import LISTS, asker
from tests.permissions.inventory import Endpoint
from tests.permissions.scenes import Scenes

pytestmark = pytest.mark.django_db
# Those of the tests themselves have no translations.
CLASSES = [cls for cls in all_error_classes() if not cls.__module__.startswith("test")]


def texts(cls: type[DomainError], language: str) -> tuple[str, str]:
    with translation.override(language):
        return str(cls.title), str(cls.detail)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.code)
def test_every_error_speaks_both_languages_and_has_one_code(cls: type[DomainError]) -> None:
    english, italian = texts(cls, "en"), texts(cls, "it")
    assert english[0] != italian[0], "no Italian title"
    assert english[1] != italian[1] or not english[1], "no Italian detail"
    assert re.fullmatch(r"[a-z0-9_]+", cls.code)


@pytest.mark.parametrize("endpoint", LISTS, ids=str)
def test_refusals_of_every_list_differ_in_their_words_alone(scenes: Scenes, endpoint: Endpoint) -> None:
    send = asker(scenes, endpoint)
    for query, headers in (("nonsense=1", {}), ("", {"Accept": "image/png"})):
        answers = {
            language: send(query, {**headers, "Accept-Language": language}) for language in ("en", "it")
        }
        for language, answer in answers.items():
            assert answer["Content-Language"] == language
            assert "Accept-Language" in re.split(r",\s*", answer["Vary"])
        english, italian = (answer.json() for answer in answers.values())
        assert english["title"] != italian["title"]
        assert {english[name] for name in ("type", "code", "status")} == {
            italian[name] for name in ("type", "code", "status")
        }


HEADERS = [
    "x" * 100_000,
    "xx," * 30_000,
    "en;q=" + "9" * 5_000,
    "it;q=0",
    ";;;,,,===",
    "it\x7f",
    "\u00ff\u00fe",
    "*;q=0",
    "-",
    "en-" + "a-" * 200,
    "../../../etc/passwd",
    "it%0d%0aSet-Cookie: a=b",
    "'; DROP TABLE tenants_library; --",
]


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
def test_no_header_breaks_an_answer(scenes: Scenes, header: str) -> None:
    client = scenes.client(scenes.north, "anonymous")
    for path, status in (("/api/v1/titles/", 200), ("/api/v1/nothing/", 404), ("/api/v1/patrons/", 401)):
        answer = client.get(path, headers={"accept-language": header})
        assert (answer.status_code, answer["Content-Language"]) == (status, "en")
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("host", "path", "extra"),
    [
        ("nowhere.localhost", "/api/v1/titles/", {}),
        ("north.localhost", "/api/v1/nothing/", {}),
        ("north.localhost", "/nothing/", {}),
        ("", "/api/v1/titles/", {}),
        ("north.localhost", "/api/v1/titles/", {"HTTP_TRANSFER_ENCODING": "chunked"}),
        ("north.localhost", "/api/v1/patrons/", {}),
        ("north.localhost", "/api/v1/patrons/", {"HTTP_AUTHORIZATION": "Bearer x"}),
    ],
)
def test_early_refusals_name_their_language(north: Any, host: str, path: str, extra: dict[str, str]) -> None:
    seen = {}
    for language in ("en", "it"):
        answer = Client(HTTP_HOST=host).get(path, headers={"accept-language": language}, **extra)
        assert answer.status_code >= 400
        assert answer["Content-Language"] == language
        assert "Accept-Language" in answer["Vary"]
        seen[language] = answer.content
    assert seen["en"] != seen["it"]


def test_words_in_answers_follow_too(scenes: Scenes) -> None:
    """Not the problems alone: what a reader finds at a branch, what a permission allows."""
    admin = scenes.client(scenes.north, "admin")
    for path, names in (
        (f"/api/v1/titles/{scenes.north.title.pk}/availability/", ("text",)),
        ("/api/v1/permissions/", ("description",)),
    ):
        english, italian = (
            admin.get(path, headers={"accept-language": language}).json()
            for language in ("en;q=1, it;q=0.9", "it")
        )
        rows = [body.get("branches") or body["results"] for body in (english, italian)]
        assert len(rows[0]) == len(rows[1]) > 0
        for name in names:
            assert [row[name] for row in rows[0]] != [row[name] for row in rows[1]]
        kept = [[{k: v for k, v in row.items() if k not in names} for row in found] for found in rows]
        assert kept[0] == kept[1]
