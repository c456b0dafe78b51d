"""Bodies and answers of the addresses for second factors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.serializers import LineField, StrictSerializer, UtcDateTimeField
from shared_apps.accounts.api.serializers import COOKIE, MAX_PASSWORD, TOKEN

MAX_CODE = 32
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{1,8192}", re.ASCII)
_REGISTRATION = ("clientDataJSON", "attestationObject")
_ASSERTION = ("clientDataJSON", "authenticatorData", "signature", "userHandle")


class CredentialField(serializers.Field[Any, Any, Any, Any]):
    """A PublicKeyCredential as browsers' toJSON makes it; what we do not read is left out, whatever it is."""

    default_error_messages = {"invalid": "Send the credential as toJSON() of the browser gives it."}

    def __init__(self, *members: str, **options: Any) -> None:
        self.members = members
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the members that a ceremony needs, each base64url."""
        if not isinstance(data, Mapping) or not isinstance(data.get("response"), Mapping):
            self.fail("invalid")
        answer = {name: data["response"].get(name) for name in self.members}
        known = [data.get("id"), data.get("rawId"), *answer.values()]
        if data.get("type") != "public-key" or data.get("id") != data.get("rawId"):
            self.fail("invalid")
        if not all(isinstance(text, str) and _BASE64URL.fullmatch(text) for text in known):
            self.fail("invalid")
        return {"id": data["id"], "rawId": data["rawId"], "type": "public-key", "response": answer}

    def to_representation(self, value: Any) -> Any:
        """Return it as it is."""
        return value


def _described(members: tuple[str, ...]) -> dict[str, Any]:
    text = {"type": "string", "format": "base64url"}
    return {
        "type": "object",
        "description": "PublicKeyCredential.toJSON() of the browser; further members are ignored.",
        "required": ["id", "rawId", "type", "response"],
        "properties": {
            "id": text,
            "rawId": text,
            "type": {"type": "string", "enum": ["public-key"]},
            "response": {
                "type": "object",
                "required": list(members),
                "properties": dict.fromkeys(members, text),
            },
        },
    }


@extend_schema_field(_described(_REGISTRATION))
class RegistrationField(CredentialField):
    """What navigator.credentials.create has answered."""


@extend_schema_field(_described(_ASSERTION))
class AssertionField(CredentialField):
    """What navigator.credentials.get has answered."""


class ProofSerializer(StrictSerializer):
    """That the person is still there: the password and, where they have a factor, a code of it or a recovery code."""

    password = serializers.CharField(
        max_length=MAX_PASSWORD, trim_whitespace=False, style={"input_type": "password"}
    )
    otp = LineField(max_length=MAX_CODE, required=False, allow_blank=True)


@extend_schema_serializer(examples=[OpenApiExample("Confirm", {"code": "123456"}, request_only=True)])
class ConfirmAppSerializer(StrictSerializer):
    """The code that the new authenticator app shows."""

    code = LineField(max_length=MAX_CODE)


class NewPasskeySerializer(StrictSerializer):
    """A new passkey and the name that its owner knows it by."""

    name = LineField(max_length=100)
    credential = RegistrationField(*_REGISTRATION)


class PasskeySignInSerializer(StrictSerializer):
    """An answer to the challenge of `/api/v1/auth/webauthn/options/`."""

    credential = AssertionField(*_ASSERTION)
    transport = serializers.ChoiceField(choices=[TOKEN, COOKIE], default=TOKEN)


class NoFieldsSerializer(StrictSerializer):
    """An empty body."""


class FactorSerializer(serializers.Serializer[Any]):
    """A second factor."""

    id = serializers.CharField(source="pk")
    kind = serializers.ChoiceField(choices=["totp", "webauthn"], source="type")
    name = serializers.SerializerMethodField()
    created_at = UtcDateTimeField()
    last_used_at = UtcDateTimeField(allow_null=True)

    def get_name(self, factor: Any) -> str:
        """The name that the owner gave a passkey."""
        return str(factor.data["name"]) if factor.type == "webauthn" else _("Authenticator app")


class FactorsSerializer(serializers.Serializer[Any]):
    """The caller's factors, how many recovery codes still work, and whether they must have a factor."""

    required = serializers.BooleanField()  # type: ignore[assignment]
    factors = FactorSerializer(many=True)
    recovery_codes_left = serializers.IntegerField()


class PendingAppSerializer(serializers.Serializer[Any]):
    """What an authenticator app must learn: the secret in base 32, and both as an otpauth URI for a QR code."""

    secret = serializers.CharField()
    uri = serializers.CharField()


class EnrolledSerializer(serializers.Serializer[Any]):
    """A new factor; `recovery_codes` come with the first one, are shown this once, and are empty after it."""

    factor = FactorSerializer()
    recovery_codes = serializers.ListField(child=serializers.CharField())


class RecoveryCodesSerializer(serializers.Serializer[Any]):
    """A new set of recovery codes, shown this once."""

    recovery_codes = serializers.ListField(child=serializers.CharField())


class PublicKeySerializer(serializers.Serializer[Any]):
    """Options for the browser.

    PublicKeyCredential.parseCreationOptionsFromJSON or parseRequestOptionsFromJSON reads `publicKey`.
    """

    publicKey = serializers.DictField()  # noqa: N815 - the name that WebAuthn gives it
