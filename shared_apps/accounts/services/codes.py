"""Codes that are mailed to prove an address: eight characters, fifteen minutes, five wrong tries.

A code is stored nowhere, not even as a hash. It is computed from its row's nonce with a key of the library, so the
outbox can mail the same code again, whoever reads the database has none, and the same row in another library has
another one. Forty random bits and five tries leave a guesser one chance in 2 * 10^11 per code.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F
from django.utils.crypto import constant_time_compare

from saas.core.jwt import library_keys
from shared_apps.accounts.models import MailedCode

# Without 0, O, 1 and I, which people take for one another; 32 characters, so five bits each and none more likely.
ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LENGTH: Final = 8
LIFETIME: Final = timedelta(minutes=15)
MAX_TRIES: Final = 5
_FRESH: Final = ("nonce", "tries", "created_at", "expires_at")


def renew(code: MailedCode, *, now: datetime, update: Sequence[str] = ()) -> MailedCode:
    """Store a row, or put it in the place of the one for the same purpose, address and user; the old code is dead.

    Of a row that was there before, only the code and the fields in `update` change.
    """
    code.nonce, code.tries = secrets.token_hex(16), 0
    code.created_at, code.expires_at = now, now + LIFETIME
    MailedCode.objects.bulk_create(
        [code],
        update_conflicts=True,
        unique_fields=["purpose", "address", "user"],
        update_fields=[*_FRESH, *update],
    )
    return code


def text_of(code: MailedCode) -> str:
    """The code itself, for the mail alone."""
    return _computed(code, next(library_keys("mailed-code")))


def is_right(code: MailedCode | None, text: str, *, now: datetime) -> bool:
    """Whether `text` is this code and it is still good; what is not right is counted against it.

    The caller has locked the row (of 50 tries at once each waits for its turn), commits when this answers False, and
    deletes the row when it answers True. The same statements run where there is no row.
    """
    live = code is not None and code.expires_at > now and code.tries < MAX_TRIES
    if live and code is not None and _matches(code, text):
        return True
    counted = MailedCode.objects.filter(pk=code.pk if live and code is not None else 0)
    counted.update(tries=F("tries") + 1)
    return False


def _matches(code: MailedCode, text: str) -> bool:
    sent = "".join(char for char in text.upper() if char not in " -")
    return any(constant_time_compare(sent, _computed(code, key)) for key in library_keys("mailed-code"))


def _computed(code: MailedCode, key: bytes) -> str:
    subject = f"{code.purpose}:{code.user_id or ''}:{code.address}:{code.nonce}"
    bits = int.from_bytes(hmac.new(key, subject.encode(), hashlib.sha256).digest()[:5], "big")
    return "".join(ALPHABET[bits >> 5 * place & 31] for place in range(LENGTH))
