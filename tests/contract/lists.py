"""Every address that answers a list, found by asking for it: a new one is tested without being named anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.permissions.inventory import Endpoint, endpoints
from tests.permissions.scenes import Scenes

CALLERS = {"library": "admin", "public": "owner"}


def might_list(endpoint: Endpoint) -> bool:
    """Whether it is a GET of the API for whose list the example of the permissions' matrix can be asked."""
    return endpoint.method == "GET" and endpoint.is_api_view and endpoint.path.startswith("/api/v1/")


READS = [endpoint for endpoint in endpoints() if might_list(endpoint)]


def declares_rows(endpoint: Endpoint) -> bool:
    """Whether the view says that this is a list."""
    if endpoint.action == "list":
        return True
    return bool(endpoint.action == "GET" and endpoint.view.row_serializer_class)


LISTS = [endpoint for endpoint in READS if declares_rows(endpoint)]


def has_pages(endpoint: Endpoint) -> bool:
    """Whether the list takes `page_size` and cursors."""
    view = endpoint.view
    pages = getattr(view, "pagination_class", None)
    return pages is not None or "page_size" in view.query_parameters


PAGED = [endpoint for endpoint in LISTS if has_pages(endpoint)]


def asker(scenes: Scenes, endpoint: Endpoint, caller: str | None = None) -> Any:
    """`asker(...)(query, headers)` sends the example of an endpoint, with another query string if given.

    By somebody who may read everything, where no caller is named.
    """
    who = caller or CALLERS[endpoint.site]
    scene = scenes.of(endpoint.site)
    path = scenes.example(endpoint.site, endpoint.key, scene, who).path
    client = scenes.client(scene, who)

    def send(query: str = "", headers: Mapping[str, str] | None = None) -> Any:
        address = f"{path.partition('?')[0]}?{query}" if query else path
        return client.get(address, headers=dict(headers or {}))

    return send


def ask(
    scenes: Scenes,
    endpoint: Endpoint,
    query: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    caller: str | None = None,
) -> Any:
    """One request of an `asker`."""
    return asker(scenes, endpoint, caller)(query, headers)
