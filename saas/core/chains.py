"""Two chains of middleware: a light one for the API, which has no pages and no sessions, and the full one.

`ApiChain` stands first in settings.MIDDLEWARE; a request whose path begins with one of settings.API_PATHS leaves there
for settings.API_MIDDLEWARE, in which everything is that an answer of the API needs and nothing else; but for those of
settings.API_PATHS_WITH_PAGES, to which browsers come on their way to a page, with its session. Being a middleware
itself, it works alike behind WSGI, behind ASGI and in the test client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponseBase
from django.urls import ResolverMatch
from django.utils.module_loading import import_string

from saas.core.routes import match_of

Answer = Callable[[HttpRequest], HttpResponseBase]


class ApiChain:
    """Answers through the chain of the API or through the one of pages, chosen by the path."""

    def __init__(self, get_response: Answer) -> None:
        """`get_response` is the chain of pages: the rest of settings.MIDDLEWARE."""
        self._paths = tuple(settings.API_PATHS)
        self._paths_with_pages = tuple(settings.API_PATHS_WITH_PAGES)
        self._pages = get_response
        self._api = _api_chain()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer as the chosen chain does."""
        path = request.path_info
        is_light = path.startswith(self._paths) and not path.startswith(self._paths_with_pages)
        return self._api(request) if is_light else self._pages(request)


def _api_chain() -> Answer:
    handler: Any = _ApiHandler()
    handler.load_middleware()
    return cast(Answer, handler._middleware_chain)


class _ApiHandler(BaseHandler):
    """Django's own way from the innermost middleware to the view, behind middleware of ours."""

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain of settings.API_MIDDLEWARE, each link guarded as Django guards its own."""
        handler: Any = self
        handler._view_middleware, handler._template_response_middleware = [], []
        handler._exception_middleware = []
        chain = convert_exception_to_response(handler._get_response)
        for name in reversed(settings.API_MIDDLEWARE):
            link = import_string(name)(chain)
            if hasattr(link, "process_view"):
                handler._view_middleware.insert(0, link.process_view)
            chain = convert_exception_to_response(link)
        handler._middleware_chain = chain

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """Find the view; LibraryMiddleware has said in which routes."""
        match = match_of(request.path_info, cast(str, cast(Any, request).urlconf))
        request.resolver_match = match
        return match
