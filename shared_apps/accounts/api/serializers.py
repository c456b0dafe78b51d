"""Bodies and answers of the sign-in endpoints.

Passwords are compared exactly: nothing is trimmed (ASVS 6.2.8).
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.serializers import LineField, StrictSerializer

TOKEN, COOKIE = "token", "cookie"
MAX_PASSWORD = 256
_TOKEN_LENGTH = 4096


def password_field(**options: Any) -> serializers.CharField:
    """A password, taken as it is: nothing is trimmed or normalised."""
    style = {"input_type": "password"}
    return serializers.CharField(max_length=MAX_PASSWORD, trim_whitespace=False, style=style, **options)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "With an address",
            {"email": "librarian@riverside.example", "password": "a long pass phrase"},
            request_only=True,
        ),
        OpenApiExample(
            "With a card, in a browser",
            {"card_number": "29999000012345", "password": "a long pass phrase", "transport": "cookie"},
            request_only=True,
        ),
    ]
)
class LoginSerializer(StrictSerializer):
    """The body of a sign-in: `email` or `card_number`, and a password."""

    # No e-mail validation: a malformed address answers like an unknown one.
    email = LineField(max_length=254, required=False)
    card_number = LineField(max_length=64, required=False)
    password = password_field()
    otp = LineField(max_length=32, required=False, allow_blank=True)
    transport = serializers.ChoiceField(choices=[TOKEN, COOKIE], default=TOKEN)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values.

        Raises ValidationError unless exactly one of address and card number is there.
        """
        if ("email" in attrs) == ("card_number" in attrs):
            text = _("Send either email or card_number.")
            raise serializers.ValidationError({"email": [serializers.ErrorDetail(text, code="required")]})
        return attrs


class SignedInUserSerializer(serializers.Serializer[Any]):
    """Who has signed in."""

    id = serializers.CharField()
    email = serializers.EmailField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Tokens in the body",
            {
                "access": "eyJhbGciOi...",
                "refresh": "eyJhbGciOi...",
                "user": {"id": "12", "email": "librarian@riverside.example"},
            },
            response_only=True,
        )
    ]
)
class SessionSerializer(serializers.Serializer[Any]):
    """A new pair of tokens; both are left out where they travel in cookies."""

    access = serializers.CharField(required=False)
    refresh = serializers.CharField(required=False)
    user = SignedInUserSerializer()


class RefreshSerializer(StrictSerializer):
    """The refresh token, unless a cookie brings it."""

    refresh = serializers.CharField(required=False, max_length=_TOKEN_LENGTH)


class _NewPasswordSerializer(StrictSerializer):
    new_password1 = password_field()
    new_password2 = password_field(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values. Raises ValidationError where a repetition was sent and differs."""
        if attrs.get("new_password2", attrs["new_password1"]) != attrs["new_password1"]:
            error = serializers.ErrorDetail(_("The two passwords differ."), code="password_mismatch")
            raise serializers.ValidationError({"new_password2": [error]})
        return attrs


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Change",
            {"old_password": "a long pass phrase", "new_password1": "another long pass phrase"},
            request_only=True,
        )
    ]
)
class PasswordChangeSerializer(_NewPasswordSerializer):
    """The body that changes one's own password.

    `new_password2` repeats the new one, where a form asks for it.
    """

    old_password = password_field()


@extend_schema_serializer(
    examples=[OpenApiExample("Reset", {"email": "librarian@riverside.example"}, request_only=True)]
)
class PasswordResetSerializer(StrictSerializer):
    """The body that asks for a link to a new password."""

    email = serializers.EmailField(max_length=254)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Confirm",
            {"uid": "12", "token": "d1b2n3-4c5d6e", "new_password1": "another long pass phrase"},
            request_only=True,
        )
    ]
)
class PasswordResetConfirmSerializer(_NewPasswordSerializer):
    """The body that sets a new password: `uid` and `token` stand in the mailed link."""

    uid = LineField(max_length=32)
    token = LineField(max_length=128)


@extend_schema_serializer(examples=[OpenApiExample("Done", {"detail": "..."}, response_only=True)])
class DetailSerializer(serializers.Serializer[Any]):
    """One sentence for a person."""

    detail = serializers.CharField()
