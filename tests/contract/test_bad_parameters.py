"""What no list may swallow: cursors of elsewhere, unknown and repeated parameters, values that no parameter can have."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from django.core import signing

from saas.core.api import cursors
from tests.contract.lists import LISTS, PAGED, ask, asker
from tests.permissions.inventory import Endpoint
from tests.permissions.scenes import Scenes

pytestmark = pytest.mark.django_db
lists = pytest.mark.parametrize("endpoint", LISTS, ids=str)
paged = pytest.mark.parametrize("endpoint", PAGED, ids=str)
FORMS = [{}, {"Accept": "text/csv"}]


def refused(answer: Any, *codes: str) -> dict[str, Any]:
    """The problem of a refusal with 400, in a form that a client reads."""
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["code"] in codes, problem
    return problem


def cursor_of(scenes: Scenes, endpoint: Endpoint, query: str = "page_size=1") -> str | None:
    """The cursor of the second page, None where the scene has one page."""
    address = ask(scenes, endpoint, query).json()["next"]
    return parse_qs(urlsplit(address).query)["cursor"][0] if address else None


def own_or_made(scenes: Scenes, endpoint: Endpoint) -> str:
    """A cursor of this list; where the scene has one page of it, that of the list of titles."""
    return cursor_of(scenes, endpoint) or cursor_of(scenes, TITLES) or ""


TITLES = next(endpoint for endpoint in PAGED if endpoint.path == "/api/v1/titles/")


# -- cursors ------------------------------------------------------------------------------------------------------------


def flipped(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def tampered(cursor: str) -> dict[str, str]:
    """Changes of a cursor that was good."""
    payload, _, signature = cursor.rpartition(":")
    plain = json.loads(base64.urlsafe_b64decode(payload.encode() + b"=" * (-len(payload) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")
    return {
        "no signature": payload,
        "an empty signature": f"{payload}:",
        "no payload": f":{signature}",
        "cut": cursor[:-1],
        "half": cursor[: len(cursor) // 2],
        "longer": f"{cursor}A",
        "another payload": f"{flipped(payload, 0)}:{signature}",
        "another signature": f"{payload}:{flipped(signature, 3)}",
        "another spelling": f"{forged}=:{signature}",
        "padded": f"{payload}==:{signature}",
        "twice": f"{cursor}:{signature}",
        "lower case": cursor.lower(),
    }


NEVER_GOOD = {
    "a word": "x",
    "a number": "25",
    "not base64": "%%%:&&&",
    "not ascii": "ключ:è",
    "astral digits": "\U0001d7d9\U0001d7da\U0001d7db",
    "a replacement character": "\ufffd",
    "json": '{"page": 2}',
    "colons": "::::",
    "a dot": ".",
    "compressed": ".eJwrSS0uAQAEXQHB:x",
    "null": "null",
    "long": "A" * 4_000,
}


@paged
def test_no_text_of_ones_own_is_a_cursor(scenes: Scenes, endpoint: Endpoint) -> None:
    send = asker(scenes, endpoint)
    for name, text in NEVER_GOOD.items():
        for headers in FORMS:
            code = "invalid_parameter" if name == "a replacement character" else "invalid_cursor"
            refused(send(urlencode({"cursor": text}), headers), code)


@paged
def test_a_huge_cursor_is_refused_unread(scenes: Scenes, endpoint: Endpoint) -> None:
    refused(ask(scenes, endpoint, f"cursor={'A' * 5_000}"), "invalid_cursor", "invalid_parameter")


@paged
def test_a_changed_cursor_is_refused(scenes: Scenes, endpoint: Endpoint) -> None:
    cursor = own_or_made(scenes, endpoint)
    send = asker(scenes, endpoint)
    for name, text in tampered(cursor).items():
        answer = send(urlencode({"page_size": 1, "cursor": text}))
        assert refused(answer, "invalid_cursor"), name


@pytest.mark.deep
@pytest.mark.parametrize("salt", ["", "cursor", "search", "django.core.signing", "sign-up", "library"])
def test_a_good_signature_of_another_purpose_is_no_cursor(scenes: Scenes, salt: str) -> None:
    values = ([0, 0, [1]], [1, 0, [[7]]], 25, {"user": 1}, None, "x")
    for endpoint in PAGED:
        send = asker(scenes, endpoint)
        for value in values:
            text = signing.Signer(salt=salt).sign_object(value)
            refused(send(urlencode({"cursor": text})), "invalid_cursor")


def lists_with_a_second_page(scenes: Scenes) -> list[tuple[Endpoint, str]]:
    found = [(endpoint, cursor_of(scenes, endpoint)) for endpoint in PAGED]
    kept = [(endpoint, cursor) for endpoint, cursor in found if cursor is not None]
    assert len(kept) >= 8, "the scene has too few rows for this test"
    return kept


@pytest.mark.deep
def test_a_cursor_is_good_for_its_own_list_alone(scenes: Scenes) -> None:
    for endpoint, cursor in lists_with_a_second_page(scenes):
        query = urlencode({"page_size": 1, "cursor": cursor})
        own = ask(scenes, endpoint, query)
        assert own.status_code == 200
        assert own.json()["results"] != []
        # With any number of rows a page: that is no other list.
        assert ask(scenes, endpoint, urlencode({"page_size": 7, "cursor": cursor})).status_code == 200
        for other in PAGED:
            if other is not endpoint and other.site == endpoint.site:
                refused(ask(scenes, other, query), "invalid_cursor")


def test_a_cursor_is_good_for_its_own_ordering_alone(scenes: Scenes) -> None:
    seen = 0
    for endpoint, cursor in lists_with_a_second_page(scenes):
        for name in getattr(endpoint.view, "ordering_fields", ()):
            for ordering in (name, f"-{name}"):
                query = urlencode({"page_size": 1, "cursor": cursor, "ordering": ordering})
                refused(ask(scenes, endpoint, query), "invalid_cursor")
                seen += 1
    assert seen >= 10


def test_a_cursor_is_good_for_its_own_filter_alone(scenes: Scenes) -> None:
    titles = cursor_of(scenes, TITLES)
    search = next(endpoint for endpoint in PAGED if endpoint.path == "/api/v1/search/")
    words = cursor_of(scenes, search, "q=secret&page_size=1")
    assert titles is not None
    assert words is not None
    refused(
        ask(scenes, TITLES, urlencode({"page_size": 1, "cursor": titles, "collection": "x"})),
        "invalid_cursor",
    )
    for query in ({"q": "secret", "language": "eng"}, {"q": "secrets"}, {"q": ""}):
        refused(ask(scenes, search, urlencode({"page_size": 1, "cursor": words, **query})), "invalid_cursor")
    own = ask(scenes, search, urlencode({"q": "secret", "page_size": 1, "cursor": words}))
    assert own.status_code == 200


def test_a_cursor_of_another_format_is_refused(scenes: Scenes, monkeypatch: pytest.MonkeyPatch) -> None:
    cursor = cursor_of(scenes, TITLES)
    query = urlencode({"page_size": 1, "cursor": cursor})
    assert ask(scenes, TITLES, query).status_code == 200
    monkeypatch.setattr(cursors, "CURSOR_FORMAT", cursors.CURSOR_FORMAT + 1)
    refused(ask(scenes, TITLES, query), "invalid_cursor")


# -- page_size ----------------------------------------------------------------------------------------------------------

NO_SIZE = [
    "0",
    "101",
    "-1",
    "+5",
    "1e2",
    "1.0",
    "0x10",
    " 5",
    "5 ",
    "05x",
    "five",
    "null",
    "",
    "9" * 400,
    "\u0663",
    "\U0001d7d3",
    "²",
]


@paged
def test_page_size_is_a_number_from_1_to_100(scenes: Scenes, endpoint: Endpoint) -> None:
    send = asker(scenes, endpoint)
    for text in NO_SIZE:
        for headers in FORMS:
            answer = send(urlencode({"page_size": text}), headers)
            problem = refused(answer, "invalid_parameter")
            assert [found["field"] for found in problem["errors"]] == ["page_size"], text
    for text in ("1", "100"):
        assert send(f"page_size={text}").status_code == 200


# -- names --------------------------------------------------------------------------------------------------------------


def known_names(endpoint: Endpoint) -> set[str]:
    """The query parameters of a list, as its view declares them."""
    pages = getattr(endpoint.view, "pagination_class", None)
    return set(endpoint.view.query_parameters) | set(pages.query_parameters if pages else ())


@lists
def test_an_unknown_name_is_refused_with_the_nearest(scenes: Scenes, endpoint: Endpoint) -> None:
    send = asker(scenes, endpoint)
    for name in sorted(known_names(endpoint) - {"q", "to"}):
        slip = name[:-1] + "x" + name[-1]
        assert slip not in known_names(endpoint)
        problem = refused(send(urlencode({slip: "1"})), "unknown_parameter")
        (found,) = problem["errors"]
        assert found["field"] == slip
        assert f'"{slip}"' in problem["detail"]
        assert problem["detail"].endswith("?"), "no nearest name"
        near = problem["detail"].rpartition('"')[0].rpartition('"')[2]
        assert near in known_names(endpoint)


NO_NAMES = [
    "format",
    "offset",
    "limit",
    "page",
    "id__gt",
    "__proto__",
    "è",
    "\U0001d562",
    "\ufffd",
    "a" * 5_000,
    "q[]",
    "",
]


@lists
def test_no_name_of_ones_own_is_swallowed(scenes: Scenes, endpoint: Endpoint) -> None:
    send = asker(scenes, endpoint)
    for name in NO_NAMES:
        refused(send(urlencode({name: "1"})), "unknown_parameter")


@lists
def test_two_thousand_names_are_refused(scenes: Scenes, endpoint: Endpoint) -> None:
    answer = ask(scenes, endpoint, "&".join(f"a{number}=1" for number in range(2_000)))
    assert answer.status_code == 400
    assert len(answer.content) < 5_000


# -- values -------------------------------------------------------------------------------------------------------------


@lists
def test_each_name_stands_once(scenes: Scenes, endpoint: Endpoint) -> None:
    send = asker(scenes, endpoint)
    for name in sorted(known_names(endpoint)):
        for values in (("1", "2"), ("1", "1"), ("", "1")):
            query = "&".join(f"{name}={value}" for value in values)
            problem = refused(send(query), "invalid_parameter")
            assert {"field": name, "code": "repeated"} == {
                key: problem["errors"][0][key] for key in ("field", "code")
            }


NEVER_A_VALUE = ["%00", "a%00b", "%0d%0aX: y", "%ff", "%c3", "%ed%a0%80", "%1b[31m", "%C2%85"]


@lists
def test_control_characters_and_broken_utf_8_are_refused(scenes: Scenes, endpoint: Endpoint) -> None:
    send = asker(scenes, endpoint)
    for name in sorted(known_names(endpoint)):
        for raw in NEVER_A_VALUE:
            problem = refused(send(f"{name}={raw}"), "invalid_parameter")
            assert problem["errors"][0]["field"] == name
            assert raw not in problem["detail"]


# Where nothing was typed a search shows everything: that is what an empty box asks for.
BOXES = {("/api/v1/search/", "q"), ("/api/v1/patrons/", "search"), ("/api/v1/members/", "search")}


@lists
def test_an_empty_value_is_refused(scenes: Scenes, endpoint: Endpoint) -> None:
    send = asker(scenes, endpoint)
    for name in sorted(known_names(endpoint)):
        for query in (f"{name}=", name):
            answer = send(query)
            if (endpoint.path, name) in BOXES:
                assert answer.status_code == 200
            elif name == "cursor":
                refused(answer, "invalid_cursor")
            else:
                problem = refused(answer, "invalid_parameter")
                assert (problem["errors"][0]["field"], problem["errors"][0]["code"]) == (name, "blank")


STRANGE = [
    "0",
    "-1",
    "9223372036854775808",
    "9" * 4_000,
    "1.5",
    "1e400",
    "NaN",
    "true",
    "null",
    "{}",
    "[]",
    "\U0001d7cf\U0001d7d0",
    "\u0661",
    "\u0661\u0662\u0663\u0664-\u0660\u0661-\u0660\u0661",
    "2026-13-45",
    "0000-00-00T00:00:00Z",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "' OR 1=1 --",
    "%",
    "_",
    "\\",
    "*:*",
    "<script>",
    "../../etc/passwd",
    ",",
    ",,,",
    ",".join("a" * 500),
    "İ",
    "\u202e",
    "\ufeff",
    "\U0010ffff",
    "'",
    "(((((((((",
    "a & | !",
]


@pytest.mark.deep
@lists
def test_no_value_is_a_server_error(scenes: Scenes, endpoint: Endpoint) -> None:
    """Whatever a filter is sent, the answer is a page or a refusal."""
    send = asker(scenes, endpoint)
    for name in sorted(known_names(endpoint)):
        for value in STRANGE:
            answer = send(f"{name}={quote(value)}")
            assert answer.status_code in (200, 400), (name, value, answer.content)


@paged
def test_an_unknown_ordering_is_refused(scenes: Scenes, endpoint: Endpoint) -> None:
    if "ordering" not in known_names(endpoint):
        return
    send = asker(scenes, endpoint)
    for text in (
        "nonsense",
        "-",
        "--id",
        "id,",
        ",",
        "id,id",
        "id,-id",
        "password",
        "pk",
        "?",
        "id__gt",
        "\U0001d422\U0001d41d",
    ):
        refused(send(urlencode({"ordering": text})), "invalid_parameter")
    for name in getattr(endpoint.view, "ordering_fields", ()):
        for text in (name, f"-{name}"):
            assert send(f"ordering={text}").status_code == 200


# -- ?fields= and ?expand= ----------------------------------------------------------------------------------------------

SELECTING = [endpoint for endpoint in PAGED if "fields" in known_names(endpoint)]


def test_some_lists_can_be_selected_from() -> None:
    assert "/api/v1/branches/" in {endpoint.path for endpoint in SELECTING}


@pytest.mark.parametrize("endpoint", SELECTING, ids=str)
def test_unknown_members_and_expansions_are_refused_with_the_nearest(
    scenes: Scenes, endpoint: Endpoint
) -> None:
    send = asker(scenes, endpoint)
    members = list(send().json()["results"][0])
    for name in members:
        if len(name) > 3:
            slip = name[:-1] + "x" + name[-1]
            problem = refused(send(f"fields=id,{slip}"), "invalid_parameter")
            (found,) = problem["errors"]
            assert (found["field"], found["code"]) == ("fields", "unknown_field")
            assert f'"{slip}"' in problem["detail"]
            assert problem["detail"].endswith('"?')
    for text in (
        "",
        ",",
        "id,",
        "id.x",
        "*",
        "__class__",
        "password",
        "id%00",
        "a" * 3_000,
        "ID",
        "%F0%9D%90%A2d",
    ):
        for headers in FORMS:
            refused(send(f"fields={text}", headers), "invalid_parameter")
    expands = "expand" in known_names(endpoint)
    for text in ("nonsense", "id", "", "*", "fields"):
        refused(send(f"expand={text}"), "invalid_parameter" if expands else "unknown_parameter")
