"""The site on a real port, in threads of this process, on the database of this run; and Debian's Chromium to look at it.

pytest-django's live server flushes the database afterwards, which knows nothing of schemas: here each library is emptied
by its own fixture instead (tests/conftest.py).
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test.utils import override_settings

PHONE, DESKTOP = {"width": 320, "height": 640}, {"width": 1280, "height": 800}
# In every page before its own scripts: what the content security policy has refused.
_VIOLATIONS = """
window.refusedByPolicy = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.refusedByPolicy.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""


def chromium_path() -> str | None:
    """Where Debian's Chromium is, None where it is not."""
    return shutil.which("chromium")


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Say nothing: the application writes its own access log."""


@dataclass(frozen=True)
class Site:
    """A server that answers for every host name."""

    port: int

    def address(self, host: str, path: str = "/") -> str:
        """Address of a page: `site.address("east.localhost", "/desk/")`."""
        return f"http://{host}:{self.port}{path}"


@contextmanager
def running_site() -> Iterator[Site]:
    """Serve until the block ends; links in mails and answers name the same port."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), _QuietHandler)
    server.daemon_threads = True
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    site = Site(server.server_address[1])
    with override_settings(PUBLIC_URL=site.address("localhost").rstrip("/")):
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            server.server_close()
            thread.join(timeout=10)
            connections.close_all()


@dataclass
class Window:
    """A browser window of its own: cookies, and everything that went wrong in it."""

    page: Any
    site: Site
    host: str
    wrong: list[str] = field(default_factory=list)

    def go(self, path: str) -> Any:
        """Open a page of this window's site."""
        return self.page.goto(self.site.address(self.host, path))

    def fill(self, **fields: str) -> None:
        """Type into fields by their label's id: `fill(id_card="C-1")`."""
        for identifier, value in fields.items():
            self.page.fill(f"#{identifier}", value)

    def press(self, button: str) -> None:
        """Press a button by its words and wait for the page it leads to."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=button, exact=True).click()

    def sign_in(self, identifier: str, password: str) -> None:
        """Sign in by the form."""
        self.go("/sign-in/")
        self.fill(id_identifier=identifier, id_password=password)
        self.press("Sign in")

    def text(self) -> str:
        """What the page says in its main part, on one line."""
        return " ".join(self.page.inner_text("main").split())

    def complaints(self) -> list[str]:
        """Errors of the console and of scripts, and what the policy refused, so far."""
        return [*self.wrong, *self.page.evaluate("window.refusedByPolicy")]


@contextmanager
def window(browser: Any, site: Site, host: str, **options: Any) -> Iterator[Window]:
    """A fresh window (no cookies) on a site; `options` are those of Playwright's `new_context`."""
    context = browser.new_context(
        **{"viewport": DESKTOP, "locale": "en-GB", "reduced_motion": "reduce", **options}
    )
    context.set_default_timeout(10_000)
    context.add_init_script(_VIOLATIONS)
    opened = Window(context.new_page(), site, host)
    opened.page.on("pageerror", lambda error: opened.wrong.append(f"script: {error}"))
    opened.page.on("console", lambda said: said.type == "error" and opened.wrong.append(said.text))
    try:
        yield opened
    finally:
        context.close()


def screenshot(opened: Window, folder: Path, name: str) -> None:
    """A picture of the whole page."""
    folder.mkdir(parents=True, exist_ok=True)
    opened.page.screenshot(path=folder / f"{name}.png", full_page=True)
