"""What a library's own domain may be, and what proves it. Pure but for the settings: no database, no network.

A domain is stored in the form that DNS uses, lower case and ASCII: `xn--mnchen-3ya.example` for `München.example`
(IDNA 2008 after the mapping of UTS 46). Whether letters of two scripts may stand beside each other in it is its
registry's affair, not ours: nobody is told that a name is ours because it is written here.
"""

from __future__ import annotations

import ipaddress
import secrets
from typing import Literal
from urllib.parse import urlsplit

import idna
from django.conf import settings

MAX_LENGTH = 253
PROOF_LABEL = "_libraryhub"
PROOF_PREFIX = "libraryhub-verify="
# Names that no public DNS serves (RFC 6761, RFC 6762, RFC 7686, RFC 9476, the IANA's list of special-use domains).
_NOT_PUBLIC = frozenset(
    {"alt", "arpa", "home", "internal", "invalid", "lan", "local", "localhost", "onion", "test"}
)
Reason = Literal["not_a_domain", "too_long", "ip_address", "ours", "not_public"]


class DomainRefused(ValueError):
    """The name breaks a rule; `reason` is its code."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def normalise(wanted: str) -> str:
    """Return the form under which a domain that a person wrote is stored. Raises DomainRefused."""
    text = wanted.strip().removesuffix(".")
    if len(text) > MAX_LENGTH:
        raise DomainRefused("too_long")
    if _is_address(text):
        raise DomainRefused("ip_address")
    try:
        name = idna.encode(text, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise DomainRefused("not_a_domain") from error
    # The record that proves it is one label longer.
    if len(f"{PROOF_LABEL}.{name}") > MAX_LENGTH:
        raise DomainRefused("too_long")
    labels = name.split(".")
    # A last label that begins with a digit makes browsers read the whole as an IPv4 address (WHATWG URL).
    if len(labels) < 2 or labels[-1][0].isdigit():
        raise DomainRefused("not_a_domain")
    if labels[-1] in _NOT_PUBLIC:
        raise DomainRefused("not_public")
    if _is_ours(name):
        raise DomainRefused("ours")
    return name


def display(domain: str) -> str:
    """Return a stored domain as people read it."""
    try:
        return idna.decode(domain)
    except idna.IDNAError:
        return domain


def proof_name(domain: str) -> str:
    """Name of the TXT record that proves a domain."""
    return f"{PROOF_LABEL}.{domain}"


def proof_value(token: str) -> str:
    """What the TXT record says."""
    return f"{PROOF_PREFIX}{token}"


def new_token() -> str:
    """A token that nobody guesses, of letters and digits alone: 32 of them, 160 bits."""
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    return "".join(secrets.choice(alphabet) for _ in range(32))


def proves(texts: list[str], token: str) -> bool:
    """Whether one of the TXT records found is the token's; blanks and quotation marks around it are let pass."""
    return bool(token) and any(text.strip().strip('"').strip() == proof_value(token) for text in texts)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def _is_ours(name: str) -> bool:
    ours = {*settings.BASE_DOMAINS, urlsplit(settings.PUBLIC_URL).hostname or ""} - {""}
    return any(name == base or name.endswith(f".{base}") for base in ours)
