"""Encryption at rest of what must be read again, with a key of the current library.

AES-256-GCM under `library_keys(purpose)`: a copied row is no good in another library or for another purpose, and a
changed one is noticed. Keys rotate with SECRET_KEY and SECRET_KEY_FALLBACKS.
"""

from __future__ import annotations

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from saas.core.jwt import library_keys

_VERSION = "1."
_NONCE = 12  # bytes, NIST SP 800-38D


class Unsealable(ValueError):
    """The text was sealed elsewhere, for another purpose or with a key that is gone, or was changed."""


def seal(text: str, *, purpose: str) -> str:
    """Return `text` encrypted for the current library, as ASCII; each time another one."""
    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(next(library_keys(purpose))).encrypt(nonce, text.encode(), _VERSION.encode())
    return _VERSION + base64.urlsafe_b64encode(nonce + sealed).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """Return what was sealed here for this purpose, under the key in use or one rotated out. Raises Unsealable."""
    if not sealed.startswith(_VERSION):
        raise Unsealable("this is no sealed text")
    try:
        raw = base64.urlsafe_b64decode(sealed.removeprefix(_VERSION))
    except (binascii.Error, ValueError) as error:
        raise Unsealable("this is no sealed text") from error
    for key in library_keys(purpose):
        try:
            return AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], _VERSION.encode()).decode()
        except InvalidTag:
            continue
        except ValueError as error:
            raise Unsealable("this is no sealed text") from error
    raise Unsealable("no key of this library opens it")
