"""Passkeys: WebAuthn credentials that are found by themselves, verify their user, and belong to one library's host.

fido2 checks the ceremonies (WebAuthn Level 3, 7.1 and 7.2); what it leaves to us is here: the exact origin, who the
challenge was for, that it is used once, the signature counter, and that the key is of a kind we offered.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.db import transaction
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestationConveyancePreference,
    AuthenticationResponse,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from saas.core.jwt import library_name
from saas.core.security_events import Kind, security_event
from shared_apps.accounts import selectors
from shared_apps.accounts.errors import PasskeyNotAccepted, PasskeyRefused, TooManyPasskeys
from shared_apps.accounts.factor_adapter import site_name
from shared_apps.accounts.models import User
from shared_apps.accounts.services import ceremonies
from shared_apps.accounts.services.own_factors import (
    Asker,
    Enrolled,
    Proof,
    added,
    locked_user,
    prove_again,
)
from shared_apps.accounts.services.second_factors import WEBAUTHN

log = structlog.get_logger("libraryhub.security")
REGISTER, SIGN_IN = "passkey-register", "passkey-sign-in"
CHALLENGE_LASTS = timedelta(minutes=5)
MAX_PASSKEYS = 20
# What fido2, CBOR and the key classes raise for bytes that are not what they say they are.
_MALFORMED = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    AssertionError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    struct.error,
)
Credential = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The host that a ceremony is for, without a port, and the origin that a browser reports for it."""

    host: str
    origin: str


def begin_registration(asker: Asker, proof: Proof, *, site: RelyingParty, now: datetime) -> dict[str, Any]:
    """Options for navigator.credentials.create, as JSON (publicKey); see `prove_again` for what it raises.

    Raises TooManyPasskeys as well.
    """
    user = prove_again(asker, proof, now=now)
    registered = list(selectors.passkeys_of(user.pk))
    if len(registered) >= MAX_PASSKEYS:
        raise TooManyPasskeys
    options, state = _server(site).register_begin(
        user=PublicKeyCredentialUserEntity(
            id=_handle(user.pk), name=user.email, display_name=user.get_full_name()
        ),
        credentials=[_credential_data(row) for row in registered if row.data.get("host") == site.host],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    kept = {"state": dict(state), "host": site.host, "options": dict(options)}
    ceremonies.keep(REGISTER, asker.flow, kept, lasts=CHALLENGE_LASTS)
    return dict(options)


def pending_registration(asker: Asker) -> dict[str, Any] | None:
    """The options that `begin_registration` has made in this session, None where none wait."""
    kept = ceremonies.look(REGISTER, asker.flow)
    return None if kept is None else dict(kept["options"])


def register(
    asker: Asker, *, name: str, credential: Credential, site: RelyingParty, now: datetime
) -> Enrolled:
    """Add the passkey that answers this session's challenge, which is spent. Raises PasskeyNotAccepted."""
    kept = ceremonies.take(REGISTER, asker.flow)
    if kept is None or kept["host"] != site.host:
        raise PasskeyNotAccepted
    data = _verified_registration(kept["state"], credential, site)
    found = data.credential_data
    assert found is not None  # noqa: S101 - register_complete has looked
    identifier = websafe_encode(found.credential_id)
    with transaction.atomic():
        user = locked_user(asker)
        if Authenticator.objects.filter(type=WEBAUTHN, data__credential_id=identifier).exists():
            raise PasskeyNotAccepted
        stored = {
            "name": name,
            "credential": dict(credential),
            "credential_id": identifier,
            "sign_count": data.counter,
            "host": site.host,
        }
        factor = Authenticator.objects.create(user=user, type=WEBAUTHN, data=stored, created_at=now)
        return added(factor, asker, what="webauthn_added", now=now)


def begin_sign_in(flow: str, *, site: RelyingParty) -> dict[str, Any]:
    """Options for navigator.credentials.get, as JSON (publicKey), for whoever holds a passkey of this host.

    `flow` is a secret of the browser that asks; only with it does the challenge work.
    """
    options, state = _server(site).authenticate_begin(user_verification=UserVerificationRequirement.REQUIRED)
    kept = {"state": dict(state), "host": site.host}
    ceremonies.keep(SIGN_IN, flow, kept, lasts=CHALLENGE_LASTS)
    return dict(options)


def verify(flow: str | None, credential: Credential, *, site: RelyingParty, now: datetime) -> User:
    """Whose passkey this is; the challenge is spent, whatever comes of it.

    Raises PasskeyRefused for an answer to another challenge, host or library, a passkey that is not known, did not
    verify its user, or whose counter goes back (somebody has copied it).
    """
    kept = ceremonies.take(SIGN_IN, flow) if flow else None
    user_id = _user_of(credential)
    if kept is None or kept["host"] != site.host or user_id is None:
        raise PasskeyRefused
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update(of=("self",), no_key=True).select_related("user")
        factor = rows.filter(
            user=user_id, user__is_active=True, type=WEBAUTHN, data__credential_id=credential["rawId"]
        ).first()
        if factor is None:
            raise PasskeyRefused
        counter = _verified_counter(kept["state"], credential, factor, site)
        seen = factor.data["sign_count"]
        is_copied = bool(counter or seen) and counter <= seen
        if not is_copied:
            factor.data["sign_count"] = counter
            factor.last_used_at = now
            factor.save(update_fields=["data", "last_used_at"])
    if is_copied:
        security_event(
            Kind.PASSKEY_COPIED, user_id=user_id, now=now, factor=factor.pk, counter=counter, seen=seen
        )
        raise PasskeyRefused
    user: User = factor.user
    return user


def _server(site: RelyingParty) -> Fido2Server:
    """fido2 alone would take an origin below the host too; here it is the origin of the page and no other."""
    return Fido2Server(
        PublicKeyCredentialRpEntity(id=site.host, name=site_name()),
        attestation=AttestationConveyancePreference.NONE,
        verify_origin=lambda origin: origin == site.origin,
    )


def _verified_registration(
    state: dict[str, Any], credential: Credential, site: RelyingParty
) -> AuthenticatorData:
    server = _server(site)
    try:
        data = server.register_complete(state, credential)
        offered = {parameters.alg for parameters in server.allowed_algorithms}
        if data.credential_data is None or data.credential_data.public_key.ALGORITHM not in offered:
            raise PasskeyNotAccepted
    except _MALFORMED as error:
        log.info("passkey_not_accepted", reason=str(error)[:100])
        raise PasskeyNotAccepted from error
    return data


def _verified_counter(
    state: dict[str, Any], credential: Credential, factor: Authenticator, site: RelyingParty
) -> int:
    try:
        _server(site).authenticate_complete(state, [_credential_data(factor)], credential)
        return int(AuthenticationResponse.from_dict(credential).response.authenticator_data.counter)
    except _MALFORMED as error:
        # Reported as a refused sign-in by whoever asked; what was wrong with it is for us.
        log.info("passkey_refused", reason=str(error)[:100], factor=factor.pk)
        raise PasskeyRefused from error


def _credential_data(factor: Authenticator) -> Any:
    return WebAuthn(factor).authenticator_data.credential_data


def _handle(user_id: int) -> bytes:
    """What an authenticator keeps for an account: it names the library, so a copied row answers for nobody."""
    return f"{library_name()}:{user_id}".encode()


def _user_of(credential: Credential) -> int | None:
    """The account that the passkey says it is for, None where it is none of this library."""
    try:
        handle = websafe_decode(credential["response"]["userHandle"]).decode()
    except _MALFORMED:
        return None
    site, _colon, number = handle.rpartition(":")
    is_number = number.isascii() and number.isdigit() and len(number) < 19
    return int(number) if site == library_name() and is_number else None
