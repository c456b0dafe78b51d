"""Addresses of the neighbours of a page: the id after which the next one begins, opaque to clients."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from tests.benchmarks.peers.asgi_parts.refusals import Refused

LAST_ID = 2**63 - 1


def address(scheme: str, host: str, path: str, page_size: int, after: object) -> str:
    """The address of the page after this id or code."""
    cursor = urlsafe_b64encode(str(after).encode()).decode().rstrip("=")
    return f"{scheme}://{host}{path}?page_size={page_size}&cursor={cursor}"


def position(cursor: str | None) -> str | None:
    """What a cursor says. Raises Refused."""
    if cursor is None:
        return None
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError as error:
        raise Refused("invalid_cursor", 400) from error


def title_position(cursor: str | None) -> int:
    """The id below which the page of titles begins. Raises Refused."""
    text = position(cursor)
    if text is None:
        return LAST_ID
    if not (text.isascii() and text.isdigit()):
        raise Refused("invalid_cursor", 400)
    return int(text)
