"""Shapes of sign-up. Types and lengths here; what the values mean is checked in one place (applications)."""

from rest_framework import serializers

from saas.core.api.serializers import LineField, StrictSerializer, UtcDateTimeField
from shared_apps.entitlements.selectors import DEFAULT_PLAN
from shared_apps.signup import rules
from shared_apps.signup.models import SignUpStatus
from shared_apps.tenants.subdomains import REASONS

__all__ = [
    "AvailabilitySerializer",
    "NewLibrarySerializer",
    "SignUpAcceptedSerializer",
    "SignUpSerializer",
    "SignUpStatusSerializer",
    "VerifiedSerializer",
    "VerifySerializer",
]


class AvailabilitySerializer(StrictSerializer):
    """Whether a subdomain is free; `suggestions` are free names like it."""

    available = serializers.BooleanField()
    reason = serializers.ChoiceField(choices=list(REASONS), allow_null=True)
    detail = serializers.CharField(allow_blank=True)
    suggestions = serializers.ListField(child=serializers.CharField())


class SignUpSerializer(StrictSerializer):
    """A wanted library and its first admin."""

    library_name = LineField(max_length=rules.NAME_LENGTH)
    subdomain = LineField(allow_blank=False)
    admin_name = LineField(max_length=rules.NAME_LENGTH)
    admin_email = LineField(max_length=rules.EMAIL_LENGTH)
    # Compared exactly as typed: no trimming, no cutting (ASVS 6.2.8).
    password = LineField(max_length=rules.PASSWORD_LENGTH, trim_whitespace=False, write_only=True)
    plan = LineField(default=DEFAULT_PLAN)
    country = LineField(default="", allow_blank=True)
    language = LineField(default="en")
    time_zone = LineField(default="", allow_blank=True)


class SignUpAcceptedSerializer(StrictSerializer):
    """The answer to a sign-up, the same whoever asks."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=[SignUpStatus.PENDING.value])


class NewLibrarySerializer(StrictSerializer):
    """A library as its founder gets to know it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    subdomain = serializers.CharField()
    url = serializers.CharField()
    status = serializers.CharField()


class SignUpStatusSerializer(StrictSerializer):
    """How a sign-up stands. No names and no addresses: whoever knows the id may ask."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=SignUpStatus.values)
    subdomain = serializers.CharField()
    created_at = UtcDateTimeField()
    expires_at = UtcDateTimeField()
    library = NewLibrarySerializer(allow_null=True)


class VerifySerializer(StrictSerializer):
    """The token of the mailed link."""

    token = LineField()


class VerifiedSerializer(StrictSerializer):
    """The library that the link has made, and where its people sign in."""

    library = NewLibrarySerializer()
    sign_in_url = serializers.CharField()
