"""What people hold: an authenticator app, and a passkey in software that signs as a browser would."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode

USER_PRESENT, USER_VERIFIED, HAS_CREDENTIAL = 0x01, 0x04, 0x40


def code_at(secret: str, moment: dt.datetime, *, steps: int = 0) -> str:
    """What an authenticator app shows at a moment, or some 30-second steps later."""
    return format_hotp_value(hotp_value(secret, int(moment.timestamp()) // 30 + steps))


@dataclass
class SoftPasskey:
    """A key of one account at one relying party. Each attribute may be changed to make a lie of what it signs."""

    origin: str
    host: str
    handle: str = ""
    counter: int = 0
    flags: int = USER_PRESENT | USER_VERIFIED
    identifier: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to navigator.credentials.create."""
        wanted = options["publicKey"]
        self.handle = wanted["user"]["id"]
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        credential = bytes(16) + len(self.identifier).to_bytes(2, "big") + self.identifier + public
        data = self._authenticator_data(self.flags | HAS_CREDENTIAL) + credential
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client_data("webauthn.create", wanted["challenge"])
        return self._answer(clientDataJSON=client, attestationObject=attestation)

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to navigator.credentials.get."""
        self.counter += 1
        data = self._authenticator_data(self.flags)
        client = self._client_data("webauthn.get", options["publicKey"]["challenge"])
        signed = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        handle = websafe_decode(self.handle)
        return self._answer(
            clientDataJSON=client, authenticatorData=data, signature=signed, userHandle=handle
        )

    def _authenticator_data(self, flags: int) -> bytes:
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _client_data(self, kind: str, challenge: str) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told).encode()

    def _answer(self, **response: bytes) -> dict[str, Any]:
        name = websafe_encode(self.identifier)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {member: websafe_encode(value) for member, value in response.items()},
        }


def app_of(user: Any) -> str:
    """The secret of a user's authenticator app, set up here where they have none; in the user's own schema."""
    from allauth.mfa.models import Authenticator
    from allauth.mfa.utils import decrypt

    from saas.core import clock
    from saas.core.principals import SYSTEM
    from shared_apps.accounts.services import enrol_app

    found = Authenticator.objects.filter(user=user, type="totp").first()
    return decrypt(found.data["secret"]) if found else enrol_app(user=user, by=SYSTEM, now=clock.now())


def unused_code(user: Any) -> str:
    """A code that signs the user in now, set up where they have none: one that was used before is good again."""
    from allauth.mfa.models import Authenticator

    from saas.core import clock

    secret = app_of(user)
    for factor in Authenticator.objects.filter(user=user, type="totp"):
        factor.data.pop("last_step", None)
        factor.save()
    return code_at(secret, clock.now())


def passkey_of(user: Any) -> Any:
    """The row of a user's passkey at their library's own address, made where there is none; recovery codes with it."""
    from allauth.mfa.models import Authenticator
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    found = Authenticator.objects.filter(user=user, type="webauthn").first()
    if found is not None:
        return found
    RecoveryCodes.activate(user)
    name = secrets.token_urlsafe(32)
    data = {
        "name": "Key",
        "credential": {},
        "credential_id": name,
        "sign_count": 0,
        "host": "elsewhere.localhost",
    }
    return Authenticator.objects.create(user=user, type="webauthn", data=data)


def recovery_code(user: Any, number: int = 0) -> str:
    """A recovery code of the user that was not used yet: the first of them, or another."""
    from allauth.mfa.models import Authenticator
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    codes: list[str] = RecoveryCodes(
        Authenticator.objects.get(user=user, type="recovery_codes")
    ).get_unused_codes()
    return codes[number]
