"""Identity providers, sign-in flows and linked identities in JSON."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.serializers import LineField, StrictModelSerializer, StrictSerializer, UtcDateTimeField
from tenant_apps.federation.models import IdentityProvider, LinkedIdentity
from tenant_apps.federation.services import COOKIE, TOKEN

# Part of an address that lies beside those of identities, link and second-factor.
_CODE = RegexValidator(
    r"^(?!(?:identities|link|second-factor)\Z)[a-z0-9][a-z0-9-]*\Z",
    _("Use small letters without accents, digits and hyphens, and none of: identities, link, second-factor."),
    "invalid_code",
)
_DOMAIN = RegexValidator(
    r"^(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])\Z",
    _("This is not a domain in small letters, such as school.example."),
    "invalid_domain",
)
_EXAMPLE = {
    "code": "school",
    "name": "Riverside School",
    "kind": "oidc",
    "issuer": "https://login.school.example",
    "client_id": "library",
}
_SHOWN = {
    "id": "1",
    **_EXAMPLE,
    "email_domains": ["school.example"],
    "enabled": True,
    "callback_path": "/api/v1/auth/social/school/callback/",
}


@extend_schema_serializer(examples=[OpenApiExample("A school's sign-in", _SHOWN, response_only=True)])
class IdentityProviderSerializer(StrictModelSerializer[IdentityProvider]):
    """A provider as it is answered: the secret never is."""

    callback_path = serializers.SerializerMethodField(
        help_text="What stands behind the library's own host in the redirect URI that the provider asks for."
    )

    class Meta:
        model = IdentityProvider
        fields: ClassVar = [
            "id",
            "code",
            "name",
            "kind",
            "issuer",
            "client_id",
            "email_domains",
            "enabled",
            "callback_path",
        ]
        read_only_fields: ClassVar = fields

    def get_callback_path(self, provider: IdentityProvider) -> str:
        """Return the path of the provider's callback."""
        return reverse("social-callback", args=[provider.code])


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A school's sign-in",
            {**_EXAMPLE, "client_secret": "...", "email_domains": ["school.example"]},
            request_only=True,
        )
    ]
)
class NewIdentityProviderSerializer(StrictSerializer):
    """The body that sets up a provider; `issuer` for the kind oidc alone."""

    code = LineField(max_length=40, validators=[_CODE])
    name = LineField(max_length=100)
    kind = serializers.ChoiceField(choices=IdentityProvider.Kind.choices)
    issuer = LineField(max_length=500, required=False, allow_blank=True)
    client_id = LineField(max_length=255)
    client_secret = serializers.CharField(max_length=500, trim_whitespace=False, write_only=True)
    email_domains = serializers.ListField(
        child=LineField(max_length=253, validators=[_DOMAIN]), max_length=50, required=False
    )
    enabled = serializers.BooleanField(required=False)


@extend_schema_serializer(
    examples=[OpenApiExample("Another secret", {"client_secret": "..."}, request_only=True)]
)
class IdentityProviderChangesSerializer(StrictSerializer):
    """The body that changes a provider; what is left out stays."""

    name = LineField(max_length=100, required=False)
    issuer = LineField(max_length=500, required=False, allow_blank=True)
    client_id = LineField(max_length=255, required=False)
    client_secret = serializers.CharField(
        max_length=500, trim_whitespace=False, write_only=True, required=False
    )
    email_domains = serializers.ListField(
        child=LineField(max_length=253, validators=[_DOMAIN]), max_length=50, required=False
    )
    enabled = serializers.BooleanField(required=False)


def represent(provider: IdentityProvider) -> dict[str, Any]:
    """Return the JSON form of one provider."""
    return dict(IdentityProviderSerializer(provider).data)


@extend_schema_serializer(
    examples=[OpenApiExample("A button", {"code": "school", "name": "Riverside School"}, response_only=True)]
)
class WayInSerializer(serializers.Serializer[Any]):
    """A provider as anybody may see it, for the sign-in page of a client."""

    code = serializers.CharField()
    name = serializers.CharField()


class WayInListSerializer(serializers.Serializer[Any]):
    """All providers; there is only ever one page."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = WayInSerializer(many=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample("A browser", {"transport": "cookie", "next": "/account/"}, request_only=True),
        OpenApiExample("Another client", {}, request_only=True),
    ]
)
class BeginSerializer(StrictSerializer):
    """The body that begins a sign-in: how the session is to come, and a path of this site to go to after it."""

    transport = serializers.ChoiceField(choices=[TOKEN, COOKIE], default=TOKEN)
    next = LineField(max_length=2000, required=False)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Another client",
            {"authorization_url": "https://login.school.example/authorize?...", "flow_token": "..."},
            response_only=True,
        )
    ]
)
class BegunSerializer(serializers.Serializer[Any]):
    """Where to send the browser, and, but for cookies, the secret that finishes what was begun."""

    authorization_url = serializers.URLField()
    flow_token = serializers.CharField(required=False)


@extend_schema_serializer(
    examples=[
        OpenApiExample("An answer", {"code": "...", "state": "...", "flow_token": "..."}, request_only=True)
    ]
)
class CallbackSerializer(StrictSerializer):
    """What the provider sent the browser back with; `flow_token` unless a cookie brings it."""

    state = LineField(max_length=200)
    code = LineField(max_length=4000, required=False)
    error = LineField(max_length=200, required=False)
    iss = LineField(max_length=500, required=False)
    flow_token = LineField(max_length=100, required=False)


@extend_schema_serializer(
    examples=[OpenApiExample("A code", {"otp": "123456", "flow_token": "..."}, request_only=True)]
)
class SecondFactorSerializer(StrictSerializer):
    """The code that was asked for by `mfa_required`."""

    otp = LineField(max_length=32)
    flow_token = LineField(max_length=100, required=False)


@extend_schema_serializer(examples=[OpenApiExample("Consent", {"token": "..."}, request_only=True)])
class LinkSerializer(StrictSerializer):
    """The `link_token` of the problem `account_exists`."""

    token = LineField(max_length=100)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A linked identity",
            {
                "id": "4",
                "provider": "school",
                "provider_name": "Riverside School",
                "created_at": "2026-11-20T09:00:00Z",
                "last_used_at": "2026-11-20T09:00:00Z",
            },
            response_only=True,
        )
    ]
)
class LinkedIdentitySerializer(StrictModelSerializer[LinkedIdentity]):
    """An identity as its owner sees it."""

    provider = serializers.CharField(source="provider.code", read_only=True)
    provider_name = serializers.CharField(source="provider.name", read_only=True)
    created_at = UtcDateTimeField(read_only=True)
    last_used_at = UtcDateTimeField(read_only=True)

    class Meta:
        model = LinkedIdentity
        fields: ClassVar = ["id", "provider", "provider_name", "created_at", "last_used_at"]
        read_only_fields: ClassVar = fields


class LinkedIdentityListSerializer(serializers.Serializer[Any]):
    """All identities of the caller; there is only ever one page."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = LinkedIdentitySerializer(many=True)
