"""A browser without JavaScript for tests of pages: cookies, CSRF enforced as in production, forms sent as a person does."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import Client

from saas.core import clock
from saas.core.browser_session import open_browser_session
from saas.core.tenancy import in_library

PASSWORD = "correct-horse-battery"
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


class Browser(Client):
    """A browser on one library's site."""

    def __init__(self, library: Any, role: str | None = None, **extra: Any) -> None:
        super().__init__(enforce_csrf_checks=True, HTTP_HOST=f"{library.subdomain}.localhost", **extra)
        self.library = library
        if role is not None:
            answer = self.sign_in(f"{role}@{library.subdomain}.example")
            assert answer.status_code == 303, text_of(answer)

    def sign_in(self, identifier: str, password: str = PASSWORD, **more: str) -> Any:
        """Fill in the sign-in form and send it."""
        return self.submit("/sign-in/", {"identifier": identifier, "password": password, **more})

    def submit(
        self, page: str, fields: Mapping[str, Any], *, to: str | None = None, form: str | None = None
    ) -> Any:
        """Open a page, fill in its form for the address `to` (by default the page's own) and send it."""
        hidden = hidden_fields(self.get(page), to or page.split("?", maxsplit=1)[0])
        return self.post(to or page.split("?", maxsplit=1)[0], {**hidden, **fields})

    @property
    def session_key(self) -> str:
        """The number in the session cookie, "" without one."""
        cookie = self.cookies.get(settings.SESSION_COOKIE_NAME)
        return cookie.value if cookie is not None else ""


def open_session(client: Client, library: Any, user: Any) -> str:
    """Sign a client in at the pages without the form, as a standard role or a user; returns accounts' id of it."""
    from shared_apps.accounts.models import User
    from shared_apps.accounts.services import start_session

    request = HttpRequest()
    with in_library(library):
        person = (
            User.objects.get(email=f"{user}@{library.subdomain}.example") if isinstance(user, str) else user
        )
        request.session = SessionStore()
        session = start_session(user=person, now=clock.now()).session
        open_browser_session(request, user=person, session=session)
        request.session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(request.session.session_key)
    return session


def hidden_fields(page: Any, action: str) -> dict[str, str]:
    """Names and values of the hidden fields of the page's form for an address."""
    assert page.status_code == 200, page.status_code
    for form in re.findall(r"<form\b.*?</form>", page.content.decode(), re.DOTALL):
        if f'action="{action}"' in form:
            return {name: html.unescape(value) for name, value in _HIDDEN.findall(form)}
    raise AssertionError(f"no form for {action}")


def text_of(page: Any) -> str:
    """What a page says inside <main>, on one line."""
    plain = re.sub(r"<[^>]+>", " ", page.content.decode().split("<main", 1)[-1])
    return " ".join(html.unescape(plain).split())


class Outline(HTMLParser):
    """What a screen reader and a strict content security policy care about."""

    def __init__(self, page: Any) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of each element with this tag."""
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def ids(self) -> list[str]:
        """Every id on the page."""
        return [str(attributes["id"]) for _tag, attributes in self.tags if attributes.get("id")]


def check_outline(page: Any, *, language: str = "en") -> Outline:
    """Rules that every page keeps: language, one h1, landmarks, labels, no inline script or style, ids once."""
    outline = Outline(page)
    assert outline.all("html")[0]["lang"] == language
    for tag in ("h1", "main", "footer", "title"):
        assert len(outline.all(tag)) == 1, tag
    assert any(a.get("href") == "#main" for a in outline.all("a"))
    assert len(outline.ids) == len(set(outline.ids)), outline.ids
    assert not outline.all("style")
    for tag, attributes in outline.tags:
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
    assert all(script.get("src") for script in outline.all("script"))
    labelled = {label.get("for") for label in outline.all("label")}
    for tag in ("input", "select", "textarea"):
        for control in outline.all(tag):
            if control.get("type") != "hidden":
                assert control.get("id") in labelled, control
    for _tag, attributes in outline.tags:
        for reference in (attributes.get("aria-describedby") or "").split():
            assert reference in outline.ids, reference
    assert sum("autofocus" in attributes for _tag, attributes in outline.tags) <= 1
    assert "default-src 'self'" in page["Content-Security-Policy"]
    assert "unsafe" not in page["Content-Security-Policy"]
    assert page["Cache-Control"] == "no-store, private"
    return outline


def statements_of(queries: Any) -> list[str]:
    """What a page read (`CaptureQueriesContext`), but for the host, which is looked up once in a while."""
    return [
        query["sql"]
        for query in queries
        if query["sql"].startswith("SELECT") and '"tenants_library"' not in query["sql"]
    ]
