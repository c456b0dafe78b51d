"""Secrets that have to be read again, encrypted for one library alone: AES-256-GCM under a key derived for it.

What was encrypted in one library, for one purpose and in one place opens nowhere else: the key comes of library and
purpose, and the place (such as the row that the secret stands in) is authenticated with it. A key that was rotated out
(SECRET_KEY_FALLBACKS) still reads and writes nothing any more.
"""

from __future__ import annotations

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from saas.core.jwt import library_keys

_VERSION = "v1."
_NONCE_BYTES = 12


class Unreadable(ValueError):
    """The text was made elsewhere, for something else or under a key that is gone, or was changed since."""


def encrypt(text: str, *, purpose: str, place: str) -> str:
    """Return the text as something to store; each time another. `place` is not secret and must be given again."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(next(library_keys(purpose))).encrypt(nonce, text.encode(), place.encode())
    return _VERSION + base64.urlsafe_b64encode(nonce + sealed).decode()


def decrypt(stored: str, *, purpose: str, place: str) -> str:
    """Return what was encrypted, with the present or a rotated-out key. Raises Unreadable."""
    return _open(stored, purpose, place)[0]


def is_of_old_key(stored: str, *, purpose: str, place: str) -> bool:
    """Whether only a rotated-out key reads it, so that it should be encrypted again. Raises Unreadable."""
    return _open(stored, purpose, place)[1] > 0


def _open(stored: str, purpose: str, place: str) -> tuple[str, int]:
    sealed = _bytes_of(stored)
    for at, key in enumerate(library_keys(purpose)):
        try:
            text = AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError):
            # Too short is a ValueError; which of the two it was tells nobody anything.
            continue
        return text.decode(), at
    raise Unreadable("no key of this library opens it")


def _bytes_of(stored: str) -> bytes:
    if not stored.startswith(_VERSION):
        raise Unreadable("not of a form that is known here")
    try:
        return base64.b64decode(stored.removeprefix(_VERSION), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unreadable("not of a form that is known here") from error
