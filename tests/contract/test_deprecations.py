"""What will go is announced wherever it is answered, documented, and gone once its day has come."""

from __future__ import annotations

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.test import Client

from saas.core.api.deprecations import NOTICE, PAGE_PATH, all_deprecations
from tests.contract.deprecations import PAGE, page, shown_by
from tests.contract.documents import SITES
from tests.contract.lists import READS, ask
from tests.permissions.inventory import Endpoint
from tests.permissions.scenes import Scenes

pytestmark = pytest.mark.django_db
SHOWN = {
    re.sub(r"{\w+}", "{}", key): names for site in SITES for key, names in shown_by(site).items() if names
}


def test_something_is_deprecated_so_that_these_tests_have_an_object() -> None:
    assert {name for names in SHOWN.values() for name in names} == {one.name for one in all_deprecations()}
    assert SHOWN["GET /api/v1/titles/{}/availability/"] == {"BranchAvailability.available"}


@pytest.mark.parametrize("endpoint", READS, ids=str)
def test_an_answer_says_so_where_its_document_does(scenes: Scenes, endpoint: Endpoint) -> None:
    answer = ask(scenes, endpoint)
    names = SHOWN.get(re.sub(r"{\w+}", "{}", endpoint.key), set())
    if not names or answer.status_code >= 300:
        assert "Deprecation" not in answer
        assert "Sunset" not in answer
        return
    declared = [one for one in all_deprecations() if one.name in names]
    assert answer["Deprecation"] == f"@{_midnight(min(one.since for one in declared))}"
    ends = parsedate_to_datetime(answer["Sunset"])
    assert ends.date() == min(one.sunset for one in declared)
    for rel in ("deprecation", "sunset"):
        assert f'<{PAGE_PATH}>; rel="{rel}"; type="text/html"' in answer["Link"]


def _midnight(day: dt.date) -> int:
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())


def test_the_successor_says_the_same(scenes: Scenes) -> None:
    endpoint = next(e for e in READS if e.path == "/api/v1/titles/{pk}/availability/")
    places = ask(scenes, endpoint).json()["branches"]
    assert places != []
    assert [place["copies_available"] for place in places] == [place["available"] for place in places]


def test_nothing_has_outlived_its_day() -> None:
    """When this fails, remove the field or the route: the release that was announced is due."""
    today = dt.datetime.now(dt.UTC).date()
    assert [one.name for one in all_deprecations() if one.sunset <= today] == []


def test_there_is_a_year_and_a_word_on_what_to_use() -> None:
    for one in all_deprecations():
        assert one.sunset - one.since >= NOTICE
        assert len(one.instead) > 10


def test_the_page_of_the_documentation_lists_them() -> None:
    assert PAGE.read_text() == page(), "run: uv run python -m tests.contract.renew"


@pytest.mark.parametrize("host", ["north.localhost", "localhost"])
def test_so_does_the_page_that_the_link_leads_to(north: Any, host: str) -> None:
    answer = Client(HTTP_HOST=host).get(PAGE_PATH)
    assert answer.status_code == 200
    for one in all_deprecations():
        for word in (one.name, str(one.since), str(one.sunset)):
            assert word in answer.content.decode()
