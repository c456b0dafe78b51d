"""The reader's pages: what they say, for whom, in whose language, and that they work by keyboard alone."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from saas.core.tenancy import in_library
from tenant_apps.catalog.models import Contributor, Subject, Title
from tests.tenant_apps.catalog.records import add_copy, add_title, close_to_guests, lend, run


def get(library: Any, address: str = "/", **extra: Any) -> Any:
    return Client(HTTP_HOST=f"{library.subdomain}.localhost").get(address, **extra)


def text_of(response: Any) -> str:
    """The page as people read it, on one line."""
    plain = re.sub(r"<[^>]+>", " ", response.content.decode().split("<main", 1)[1])
    return " ".join(html.unescape(plain).split())


@pytest.fixture
def emma(north: Any) -> Title:
    with in_library(north):
        title = add_title(
            "Emma",
            subtitle="a novel",
            by=["Austen, Jane"],
            subjects=["Matchmaking"],
            isbns=["9780141439587"],
            year=1815,
            language="eng",
            summary="Handsome, clever and rich.",
        )
        add_copy(title, "SECRET-1")
        lend(add_copy(title, "SECRET-2", branch="harbour"))
    return title


def test_the_start_page_has_a_search_box_and_the_newest(north: Any, emma: Title) -> None:
    response = get(north)
    page = response.content.decode()
    assert response.status_code == 200
    assert '<form class="search-form" role="search" action="/" method="get">' in page
    assert '<label class="visually-hidden" for="q">' in page
    assert "New in the catalogue" in page
    assert f'href="/titles/{emma.pk}/"' in page
    assert "Main" in text_of(response)


def test_an_empty_catalogue_says_what_to_do_next(north: Any) -> None:
    assert "Librarians can import a file" in text_of(get(north))


def test_results_say_availability_in_words(north: Any, emma: Title) -> None:
    response = get(north, "/?q=austen")
    words = text_of(response)
    assert "1 title found." in words
    assert "1 of 1 copy on the shelf Main" in words
    assert "On loan, due December 4 Harbour" in words
    assert "SECRET" not in response.content.decode()


def test_facets_are_checkboxes_of_a_get_form_before_the_results(north: Any, emma: Title) -> None:
    page = get(north, "/?q=emma&language=eng").content.decode()
    assert re.search(r'<input type="checkbox" name="language" value="eng" checked>', page)
    assert '<input type="hidden" name="q" value="emma">' in page
    assert page.index('class="facets"') < page.index('class="results"')
    assert page.count("<fieldset") == page.count("<legend>")
    assert "<script" not in page


def test_what_was_chosen_can_be_taken_back_though_nothing_is_found(north: Any, emma: Title) -> None:
    page = get(north, "/?q=emma&language=fre").content.decode()
    assert re.search(r'name="language" value="fre" checked', page)
    assert 'href="?q=emma"' in page


def test_several_values_of_one_facet(north: Any, emma: Title) -> None:
    assert "1 title found." in text_of(get(north, "/?q=&language=eng&language=fre"))


def test_a_misspelt_word_is_answered_with_a_link(north: Any, emma: Title) -> None:
    page = get(north, "/?q=austin").content.decode()
    assert "Nothing found." in page
    assert '<a href="?q=austen">austen</a>' in page


def test_pages_follow_each_other(north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenant_apps.catalog.pages.PAGE_SIZE", 2)
    with in_library(north):
        for at in range(5):
            add_title(f"Word {at}")
    first = get(north, "/?q=word").content.decode()
    assert 'rel="next" href="?q=word&amp;page=2"' in first
    assert 'rel="prev"' not in first
    last = get(north, "/?q=word&page=3").content.decode()
    assert 'rel="prev" href="?q=word&amp;page=2"' in last
    assert 'rel="next"' not in last
    assert "No more titles on this page" in get(north, "/?q=word&page=99").content.decode()
    assert get(north, "/?q=word&page=x").status_code == 200


def test_mistakes_keep_what_was_typed(north: Any) -> None:
    response = get(north, "/?q=" + "a" * 501)
    page = response.content.decode()
    assert response.status_code == 400
    assert 'role="alert"' in page
    assert "a" * 500 in page
    assert get(north, "/?q=x&year=abc").status_code == 400
    assert get(north, "/?q=x&branch=%00").status_code == 400


@pytest.mark.parametrize(
    "typed", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 }}", "\x00", "%"]
)
def test_what_is_typed_stays_text(north: Any, emma: Title, typed: str) -> None:
    response = Client(HTTP_HOST="north.localhost").get("/", {"q": typed})
    page = response.content.decode()
    assert response.status_code == 200
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_the_title_page_tells_everything(north: Any, emma: Title) -> None:
    response = get(north, f"/titles/{emma.pk}/")
    page, words = response.content.decode(), text_of(response)
    with in_library(north):
        author, subject = Contributor.objects.get().pk, Subject.objects.get().pk
    assert page.count("<h1") == 1
    assert f'<a href="/?contributor={author}">Austen, Jane</a>' in page
    assert f'<a href="/?subject={subject}">Matchmaking</a>' in page
    for expected in ("a novel", "Handsome, clever and rich.", "9780141439587", "1815", "author", "English"):
        assert expected in words
    assert "Main 1 of 1 copy on the shelf" in words
    assert "Harbour On loan, due December 4" in words
    assert "SECRET" not in page
    assert "1 title found." in text_of(get(north, f"/?contributor={author}"))
    assert "1 title found." in text_of(get(north, f"/?subject={subject}"))


def test_text_in_another_language_says_so(north: Any, emma: Title) -> None:
    with in_library(north):
        french = add_title("L'été", language="fre")
        hebrew = add_title("שלום", language="heb")
        unknown = add_title("Untold")
    assert '<h1 lang="fr" dir="auto">' in get(north, f"/titles/{french.pk}/").content.decode()
    assert '<h1 lang="he" dir="auto">' in get(north, f"/titles/{hebrew.pk}/").content.decode()
    assert "<h1>Untold" in get(north, f"/titles/{unknown.pk}/").content.decode()
    assert "<h1>Emma" in get(north, f"/titles/{emma.pk}/").content.decode()
    italian = get(north, f"/titles/{emma.pk}/", HTTP_ACCEPT_LANGUAGE="it").content.decode()
    assert '<h1 lang="en" dir="auto">' in italian


@pytest.mark.parametrize("name", ["0", "999999", "abc", "99999999999999999999"])
def test_a_title_that_is_not_there_is_a_page_of_its_own(north: Any, name: str) -> None:
    response = get(north, f"/titles/{name}/", HTTP_ACCEPT="text/html")
    assert response.status_code == 404
    assert "<h1" in response.content.decode()


def test_a_title_of_another_library_is_not_shown(north: Any, south: Any, emma: Title) -> None:
    assert get(north, f"/titles/{emma.pk}/").status_code == 200
    response = get(south, f"/titles/{emma.pk}/", HTTP_ACCEPT="text/html")
    assert response.status_code == 404
    assert "Emma" not in response.content.decode()


def test_a_closed_catalogue_says_so_to_guests_and_opens_to_members(north: Any, emma: Title, api: Any) -> None:
    close_to_guests(north)
    for address in ("/", "/?q=emma", f"/titles/{emma.pk}/"):
        response = get(north, address)
        assert response.status_code == 403, address
        assert "This catalogue is for members" in response.content.decode()
        assert "Emma" not in response.content.decode()
    token = api(north, "reader")._credentials["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    member = Client(HTTP_HOST="north.localhost")
    member.cookies["libraryhub-access"] = token
    assert "Emma" in member.get("/?q=emma").content.decode()
    member.cookies["libraryhub-access"] = token[:-4] + "AAAA"
    assert member.get("/?q=emma").status_code == 403


def test_a_token_of_another_library_opens_nothing(north: Any, south: Any, emma: Title, api: Any) -> None:
    close_to_guests(north)
    stranger = Client(HTTP_HOST="north.localhost")
    stranger.cookies["libraryhub-access"] = api(south, "reader")._credentials["HTTP_AUTHORIZATION"][7:]
    assert stranger.get("/").status_code == 403


def test_pages_are_read_only(north: Any, emma: Title) -> None:
    client = Client(HTTP_HOST="north.localhost")
    assert client.post("/").status_code in {403, 405}
    assert client.post(f"/titles/{emma.pk}/").status_code in {403, 405}


def test_results_cost_the_same_for_one_and_for_three(north: Any) -> None:
    def fill(name: str) -> None:
        with in_library(north):
            lend(add_copy(add_title(f"Word {name}", by=[f"A, {name}"], subjects=[name]), name))

    counts = []
    for names in (["one"], ["two", "three"]):
        for name in names:
            fill(name)
        with CaptureQueriesContext(connection) as context:
            assert get(north, "/?q=word").status_code == 200
        counts.append(len(context))
    assert counts[0] == counts[1]


def test_links_of_a_record_are_web_addresses_alone(north: Any, settings: Any, tmp_path: Path) -> None:
    from tenant_apps.catalog.marc.structure import write_frame

    settings.MEDIA_ROOT = tmp_path
    record = write_frame(
        "00000nam a2200000 i 4500",
        [
            ("008", b"150101s1815    xxka   |||||||||||||| ||eng d"),
            ("245", b"10\x1fa<b>Bold</b>"),
            ("856", b"4 \x1fujavascript:alert(1)"),
            ("856", b"4 \x1fuhttps://example.org/book"),
        ],
    )
    with in_library(north):
        run(record)
        title = Title.objects.get()
    page = get(north, f"/titles/{title.pk}/").content.decode()
    assert "javascript:" not in page
    assert '<a href="https://example.org/book" rel="noopener noreferrer nofollow">' in page
    assert "<b>Bold" not in page
    assert "&lt;b&gt;Bold" in page
