"""Sending the request of each address and counting what it sends to PostgreSQL."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from django.db import connection

from saas.core.tenancy import in_library, in_public
from tests.budget.requests import REQUESTS
from tests.budget.wire import Sent, traced
from tests.database import sandbox
from tests.permissions.examples import Example, send
from tests.permissions.inventory import Endpoint
from tests.permissions.scene import PublicScene, Scene
from tests.permissions.scenes import Scenes


@dataclass(frozen=True)
class Measured:
    """An answer, what it took, and how many rows it listed (None: it is no list)."""

    status: int
    expected: int
    sent: Sent
    listed: int | None

    @property
    def cell(self) -> str:
        """How the table writes it: a dash for a caller who may not, whose refusal counts nothing."""
        return str(self.sent.count) if self.status == self.expected else "-"


def measure(
    scenes: Scenes, endpoint: Endpoint, scene: Scene | PublicScene, caller: str, rows: int
) -> Measured:
    """Count the second of two equal requests: the first has filled the caches of the process.

    Each is made anew in a transaction that is rolled back. A list that has pages is asked for one of `rows` rows. The
    connection was used last by the same site, as it mostly is where the proxy keeps a library on its workers.
    """
    first = _once(scenes, endpoint, scene, caller, None)
    paged = rows if first.listed is not None and _has_pages(endpoint) else None
    return _once(scenes, endpoint, scene, caller, paged)


def _once(
    scenes: Scenes, endpoint: Endpoint, scene: Scene | PublicScene, caller: str, page_size: int | None
) -> Measured:
    with sandbox():
        client = scenes.client(scene, caller, browser=endpoint.is_page)
        example = _request(scenes, endpoint, scene, caller, client)
        if page_size is not None:
            mark = "&" if "?" in example.path else "?"
            example = dataclasses.replace(example, path=f"{example.path}{mark}page_size={page_size}")
        site = in_library(scene.library) if isinstance(scene, Scene) else in_public()
        with site, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        with traced() as sent:
            answer = send(client, endpoint.method, example)
            content = answer.getvalue()
        return Measured(answer.status_code, example.status, sent, _listed(answer, content))


def _request(
    scenes: Scenes, endpoint: Endpoint, scene: Scene | PublicScene, caller: str, client: Any
) -> Example:
    own = REQUESTS.get((endpoint.site, endpoint.key))
    if own is None:
        return scenes.example(endpoint.site, endpoint.key, scene, caller)
    here = dataclasses.replace(scene, caller=caller)
    site = in_library(scene.library) if isinstance(scene, Scene) else in_public()
    with site:
        return own(here, client)


def _has_pages(endpoint: Endpoint) -> bool:
    initial = dict(getattr(endpoint.callback, "initkwargs", {}))
    paginator = initial.get("pagination_class", getattr(endpoint.view, "pagination_class", None))
    declared = getattr(endpoint.view, "query_parameters", ())
    return "page_size" in {*getattr(paginator, "query_parameters", ()), *declared}


def _listed(answer: Any, content: bytes) -> int | None:
    if not answer.headers.get("Content-Type", "").startswith("application/json") or not content:
        return None
    body = json.loads(content)
    found = body.get("results") if isinstance(body, dict) else None
    return len(found) if isinstance(found, list) else None
