"""The language of an answer: the browser's wish, then the library's own. No cookie and no session is read for it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

MAX_ACCEPT_LANGUAGE = 500


def language_for(request: HttpRequest) -> str:
    """The language to answer in: one of LANGUAGES. Also for requests that were refused before any view."""
    return accepted_language(request) or _own_language(request)


def accepted_language(request: HttpRequest) -> str | None:
    """The best language of ours that Accept-Language names, or None where it names none of them."""
    header = request.META.get("HTTP_ACCEPT_LANGUAGE", "").lower()
    if len(header) > MAX_ACCEPT_LANGUAGE:
        header = header[:MAX_ACCEPT_LANGUAGE].rpartition(",")[0]
    for code, weight in parse_accept_lang_header(header):
        if code == "*":
            return None
        if not weight:
            continue  # named to say that it is not wanted (RFC 9110, section 12.4.2)
        try:
            return get_supported_language_variant(code)
        except LookupError:
            continue
    return None


def _own_language(request: HttpRequest) -> str:
    library: Any = getattr(request, "library", None)
    own = library.language if library is not None else settings.LANGUAGE_CODE
    return own if own in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
