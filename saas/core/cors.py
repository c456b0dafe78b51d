"""Which pages of other origins may call the API of a library: those that the library lists, letter by letter.

django-cors-headers writes the headers and answers the preflights; which origins it may name is asked here, of the
library that the host has led to and that is known with it, so that no query is made. Cookies are never meant
(CORS_ALLOW_CREDENTIALS is off): a page elsewhere calls with a token of its own. The public site lists nobody.
"""

from __future__ import annotations

from typing import Any

from corsheaders.signals import check_request_enabled
from django.http import HttpRequest

# CORS_URLS_REGEX says the same; what the signal allows is allowed beside it.
API = "/api/v1/"


def is_allowed_origin(sender: object, request: HttpRequest, **_more: Any) -> bool:
    """Whether this request to the API comes from a page at an origin that the request's library lists."""
    library = getattr(request, "library", None)
    if library is None or not request.path_info.startswith(API):
        return False
    return request.META.get("HTTP_ORIGIN") in library.allowed_origins


def ask_libraries() -> None:
    """Have django-cors-headers ask `is_allowed_origin`."""
    check_request_enabled.connect(is_allowed_origin, dispatch_uid="saas.core.cors")
