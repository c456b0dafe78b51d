"""What a key looks like, what is stored of it, what no key may do, and who may give it what."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from saas.core.jwt import library_keys
from saas.core.principals import Principal
from tenant_apps.keys.models import ApiKey

# Who may make people, keys or roles could outlive the revocation of the key: these need a person (docs/adr/0021).
NEVER_BY_KEY: Final = frozenset({"keys.manage", "members.manage", "roles.manage"})
MAX_OVERLAP_HOURS: Final = 30 * 24
# `last_used_at` is written at most this often, so that reading costs no write.
USE_NOTED_EVERY: Final = timedelta(hours=1)

_ALPHABET: Final = string.digits + string.ascii_letters
_PURPOSE: Final = "api-key"
_MARK: Final = "lhk_"
# lhk_, ten characters to find the row by, 43 of base 62 (256 bits), six of checksum: a scanner for leaked secrets tells
# a key from other text without asking anybody.
KEY: Final = re.compile(
    r"(?P<prefix>lhk_[0-9A-Za-z]{10})_[0-9A-Za-z]{43}(?P<checksum>[0-9A-Za-z]{6})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Rights:
    """Permissions for the whole library, by branch id and by collection id: what is given, or asked to be."""

    everywhere: frozenset[str] = frozenset()
    by_branch: Mapping[int, frozenset[str]] = field(default_factory=dict)
    by_collection: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def within(self, holder: Principal) -> bool:
        """Whether `holder` has all of it in the same scope, so that giving it raises nobody."""
        return (
            self.everywhere <= holder.permissions
            and all(holder.may(name, branch_id=at) for at, names in self.by_branch.items() for name in names)
            and all(
                holder.may(name, collection_id=at)
                for at, names in self.by_collection.items()
                for name in names
            )
        )


def new_key() -> tuple[str, str]:
    """A new key and its prefix."""
    prefix = _MARK + _draw(10)
    body = f"{prefix}_{_draw(43)}"
    return body + _checksum(body), prefix


def prefix_of(key: str) -> str | None:
    """The prefix of what looks like a key, None for anything else: no table is asked about such a text."""
    found = KEY.fullmatch(key)
    if found is None or _checksum(key[:-6]) != found["checksum"]:
        return None
    return found["prefix"]


def digest_of(key: str) -> str:
    """What is stored of a key: an HMAC with a key of this library, so that a copied row is worth nothing elsewhere."""
    return _digest(next(library_keys(_PURPOSE)), key)


def matches(key: str, digest: str) -> bool:
    """Whether a digest is this key's, in constant time, also under a secret key that was rotated out."""
    found = [hmac.compare_digest(_digest(secret, key), digest) for secret in library_keys(_PURPOSE)]
    return any(found)


def is_usable(row: ApiKey, *, now: datetime) -> bool:
    """Whether a key is neither revoked nor expired, and its service account active."""
    in_time = row.expires_at is None or now < row.expires_at
    return row.revoked_at is None and in_time and row.service_account.is_active


def rights_of(permissions: Iterable[str], branches: Iterable[int] | None) -> Rights:
    """What a key of its own may do: its permissions everywhere (branches None) or at its branches."""
    names = frozenset(permissions) - NEVER_BY_KEY
    return Rights(everywhere=names) if branches is None else Rights(by_branch=dict.fromkeys(branches, names))


def is_wide(rights: Iterable[Rights]) -> bool:
    """Whether something of it changes the library as a whole, so that its admins should hear of it."""
    return any(not name.endswith(".view") for given in rights for name in given.everywhere)


def _draw(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _digest(secret: bytes, key: str) -> str:
    return hmac.new(secret, key.encode(), hashlib.sha256).hexdigest()


def _checksum(text: str) -> str:
    """CRC-32 in base 62, six digits: no protection, only the mark of something that was not mistyped."""
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, rest = divmod(number, 62)
        digits = _ALPHABET[rest] + digits
    return digits
