"""Origins of web pages, as a library may list them."""

from __future__ import annotations

import re

from django.conf import settings

MAX_ORIGINS = 20
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ORIGIN = re.compile(rf"(https?)://({_LABEL}(?:\.{_LABEL})*)(?::([1-9][0-9]{{0,4}}))?", re.ASCII)
_OWN_MACHINE = frozenset({"localhost", "127.0.0.1"})
_OF_SCHEME = {"http": 80, "https": 443}


def is_origin(text: str) -> bool:
    """Whether a text is an origin just as a browser writes it, and may be listed.

    Scheme, host in lower case (the xn-- form of what is not ASCII) and a port that is not the scheme's own. http is for
    a developer's own machine alone, and in the demo or with DEBUG.
    """
    match = _ORIGIN.fullmatch(text)
    if match is None or len(text) > 300:
        return False
    scheme, host, port = match.groups()
    if port is not None and (int(port) > 65535 or int(port) == _OF_SCHEME[scheme]):
        return False
    return scheme == "https" or (host in _OWN_MACHINE and bool(settings.DEBUG or settings.DEMO))
