"""What an identity provider must say, and for how long what it says is believed. Pure but for the settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.crypto import constant_time_compare

from saas.core.outgoing import AddressRefused, check_address
from tenant_apps.federation.models import IdentityProvider

# From the first page to the last, with a password and a code typed at the provider (RFC 9700 leaves it to us).
FLOW_LIFETIME = timedelta(minutes=10)
MAX_SUBJECT, MAX_ISSUER = 255, 500
# Signatures with a private key alone: with a shared one (HS) whoever has the public key could sign (RFC 8725, 2.1).
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)


@dataclass(frozen=True, slots=True)
class Proved:
    """Who a provider says has signed in.

    `email` is an address that it has verified, in small letters, or None: others are not even looked at.
    """

    issuer: str
    subject: str
    email: str | None = field(repr=False)
    name: str = field(repr=False)


class Unbelievable(ValueError):
    """A claim is missing or wrong. The text names it and is for the log."""


def issuer_of(provider: IdentityProvider) -> str:
    """The name under which a provider signs; for GitHub, which signs nothing, the name of the site."""
    if provider.kind == IdentityProvider.Kind.GOOGLE:
        return settings.GOOGLE_ISSUER
    if provider.kind == IdentityProvider.Kind.GITHUB:
        return settings.GITHUB["issuer"]
    return provider.issuer


def is_issuer(text: str) -> bool:
    """Whether this can be an issuer: an address that may be asked, without a query (OIDC Discovery 1.0, section 3)."""
    return len(text) <= MAX_ISSUER and "?" not in text and is_address(text)


def is_address(text: str) -> bool:
    """Whether we, or a person's browser, may be sent to this address."""
    try:
        check_address(text)
    except AddressRefused:
        return False
    return True


def check_claims(claims: Mapping[str, Any], *, client_id: str, nonce: str) -> None:
    """Check what a signature, issuer, audience and time that are right leave open (OIDC Core 1.0, section 3.1.3.7).

    Raises Unbelievable.
    """
    audience, party = claims.get("aud"), claims.get("azp")
    if isinstance(audience, list) and len(audience) > 1 and party is None:
        raise Unbelievable("azp")
    if party is not None and party != client_id:
        raise Unbelievable("azp")
    sent = claims.get("nonce")
    if not isinstance(sent, str) or not constant_time_compare(sent, nonce):
        raise Unbelievable("nonce")


def person(claims: Mapping[str, Any], *, issuer: str) -> Proved:
    """Who these claims are about. Raises Unbelievable for a subject that cannot be one."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.isascii() or not 0 < len(subject) <= MAX_SUBJECT:
        raise Unbelievable("sub")
    name = claims.get("name")
    return Proved(issuer, subject, verified_address(claims), _line(name) if isinstance(name, str) else "")


def verified_address(claims: Mapping[str, Any]) -> str | None:
    """The address that a provider has verified; True alone says so, and not "true" or 1."""
    email = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(email, str):
        return None
    text = email.strip().lower()
    try:
        validate_email(text)
    except ValidationError:
        return None
    return text if text.isascii() and len(text) <= 254 else None


def is_of_domains(email: str, domains: Iterable[str]) -> bool:
    """Whether an address is of one of these domains itself (not of one below); of any where there is none."""
    allowed = {domain.lower() for domain in domains}
    return not allowed or email.rpartition("@")[2].lower() in allowed


def _line(text: str) -> str:
    return "".join(character for character in text if character.isprintable()).strip()[:200]
