"""Encryption at rest of what must be read again, with a key of the current library.

AES-256-GCM under `library_keys(purpose)`: a copied row is no good in another library or for another purpose, and a
changed one is noticed. Where a `place` is named (such as the row that a secret stands in), it is no good in any other
place either. Keys rotate with SECRET_KEY and SECRET_KEY_FALLBACKS.
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


def seal(text: str, *, purpose: str, place: str = "") -> str:
    """Return `text` encrypted for the current library, as ASCII; each time another one. `place` is no secret."""
    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(next(library_keys(purpose))).encrypt(nonce, text.encode(), _bound_to(place))
    return _VERSION + base64.urlsafe_b64encode(nonce + sealed).decode()


def unseal(sealed: str, *, purpose: str, place: str = "") -> str:
    """Return what was sealed here for this purpose, under the key in use or one rotated out. Raises Unsealable."""
    return _opened(sealed, purpose, place)[0]


def is_of_old_key(sealed: str, *, purpose: str, place: str = "") -> bool:
    """Whether a key rotated out has sealed it, so that it should be sealed again. Raises Unsealable."""
    return _opened(sealed, purpose, place)[1] > 0


def _opened(sealed: str, purpose: str, place: str) -> tuple[str, int]:
    """What was sealed, and how many keys ago."""
    if not sealed.startswith(_VERSION):
        raise Unsealable("this is no sealed text")
    try:
        raw = base64.b64decode(sealed.removeprefix(_VERSION), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unsealable("this is no sealed text") from error
    for at, key in enumerate(library_keys(purpose)):
        try:
            return AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], _bound_to(place)).decode(), at
        except InvalidTag:
            continue
        except ValueError as error:
            raise Unsealable("this is no sealed text") from error
    raise Unsealable("no key of this library opens it")


def _bound_to(place: str) -> bytes:
    """What is authenticated with the text and stands beside it in clear."""
    return f"{_VERSION}{place}".encode()
