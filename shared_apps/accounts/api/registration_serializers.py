"""Bodies and answers of registration and of the change of an address."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.serializers import LanguageField, LineField, StrictSerializer
from shared_apps.accounts.api.serializers import password_field
from shared_apps.accounts.services import Verified

_CODE_LENGTH = 32


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Register",
            {"email": "lea@example.org", "name": "Lea Bauer", "password": "a long pass phrase"},
            request_only=True,
        )
    ]
)
class RegistrationSerializer(StrictSerializer):
    """The body of a registration."""

    email = serializers.EmailField(max_length=254)
    password = password_field()
    name = LineField(max_length=200, required=False, allow_blank=True, default="")
    language = LanguageField(required=False, allow_blank=True, default="")


@extend_schema_serializer(
    examples=[OpenApiExample("Verify", {"email": "lea@example.org", "code": "7KQM-X4TD"}, request_only=True)]
)
class VerifyEmailSerializer(StrictSerializer):
    """The body that proves an address: the code of the mail, in any case, with or without its hyphen."""

    # No e-mail validation: a malformed address answers like an unknown one.
    email = LineField(max_length=254)
    code = LineField(max_length=_CODE_LENGTH)


@extend_schema_serializer(
    examples=[OpenApiExample("Done", {"status": Verified.ACTIVE.value}, response_only=True)]
)
class VerifiedSerializer(serializers.Serializer[Any]):
    """Whether the account is open, or waits for the library's approval."""

    status = serializers.ChoiceField(choices=[status.value for status in Verified])


@extend_schema_serializer(
    examples=[OpenApiExample("Resend", {"email": "lea@example.org"}, request_only=True)]
)
class ResendSerializer(StrictSerializer):
    """The body that asks for a new code."""

    email = serializers.EmailField(max_length=254)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Change",
            {"email": "lea@example.net", "password": "a long pass phrase"},
            request_only=True,
        )
    ]
)
class EmailChangeSerializer(StrictSerializer):
    """The body that asks for another address; `password` is the present one."""

    email = serializers.EmailField(max_length=254)
    password = password_field()


@extend_schema_serializer(examples=[OpenApiExample("Confirm", {"code": "7KQM-X4TD"}, request_only=True)])
class EmailChangeConfirmSerializer(StrictSerializer):
    """The body that confirms the new address by the code that was mailed to it."""

    code = LineField(max_length=_CODE_LENGTH)
