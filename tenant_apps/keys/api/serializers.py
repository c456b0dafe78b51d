"""Service accounts and keys in JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.serializers import (
    IdField,
    IdRelatedField,
    LineField,
    StrictModelSerializer,
    StrictSerializer,
    UtcDateTimeField,
)
from tenant_apps.branches import selectors as branches
from tenant_apps.keys import selectors
from tenant_apps.keys.models import ApiKey, ServiceAccount
from tenant_apps.keys.rules import MAX_OVERLAP_HOURS

CODE = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9_-]*\Z",
    gettext_lazy("Use letters without accents, digits, hyphens and underscores."),
    "invalid_code",
)
STATES = ("active", "expired", "revoked", "inactive")
_ACCOUNT = {
    "id": "3",
    "code": "website",
    "name": "The library's website",
    "description": "Shows new titles.",
    "is_active": True,
    "created_at": "2026-11-20T09:30:00Z",
}
_KEY = {
    "id": "8",
    "prefix": "lhk_4Kc0aT7uQp",
    "name": "Website",
    "service_account": "3",
    "permissions": ["catalog.view"],
    "branches": [],
    "state": "active",
    "created_at": "2026-11-20T09:30:00Z",
    "created_by": "1",
    "expires_at": None,
    "last_used_at": None,
    "revoked_at": None,
}
_SECRET = "lhk_4Kc0aT7uQp_..."  # noqa: S105 - shortened, and nobody's


@extend_schema_serializer(examples=[OpenApiExample("A service account", _ACCOUNT, response_only=True)])
class ServiceAccountSerializer(StrictModelSerializer[ServiceAccount]):
    """A service account as it is answered."""

    class Meta:
        model = ServiceAccount
        fields: ClassVar = ["id", "code", "name", "description", "is_active", "created_at"]
        read_only_fields: ClassVar = fields


@extend_schema_serializer(
    examples=[
        OpenApiExample("A website", {"code": "website", "name": "The library's website"}, request_only=True)
    ]
)
class NewServiceAccountSerializer(StrictSerializer):
    """The body that makes a service account."""

    code = LineField(max_length=40, validators=[CODE])
    name = LineField(max_length=200)
    description = LineField(max_length=500, required=False, allow_blank=True)


@extend_schema_serializer(examples=[OpenApiExample("Switch off", {"is_active": False}, request_only=True)])
class ServiceAccountChangesSerializer(StrictSerializer):
    """The body that changes a service account; what is left out stays."""

    name = LineField(max_length=200, required=False)
    description = LineField(max_length=500, required=False, allow_blank=True)
    is_active = serializers.BooleanField(required=False)


@extend_schema_serializer(examples=[OpenApiExample("A key", _KEY, response_only=True)])
class ApiKeySerializer(serializers.Serializer[ApiKey]):
    """A key as it is listed: never the key itself. Needs `codes` (branch id to code) and `now` in its context."""

    id = IdField(read_only=True)
    prefix = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    service_account = IdField(source="service_account_id", read_only=True)
    permissions = serializers.ListField(child=serializers.CharField(), read_only=True)
    branches = serializers.SerializerMethodField(
        help_text=gettext_lazy(
            "Codes of the branches to which `permissions` are limited; none: the whole library."
        )
    )
    state = serializers.SerializerMethodField()
    created_at = UtcDateTimeField(read_only=True)
    created_by = IdField(source="created_by_id", read_only=True, allow_null=True)
    expires_at = UtcDateTimeField(read_only=True, allow_null=True)
    last_used_at = UtcDateTimeField(read_only=True, allow_null=True)
    revoked_at = UtcDateTimeField(read_only=True, allow_null=True)

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_branches(self, row: ApiKey) -> list[str]:
        """Codes in place of ids; a branch that is gone has none."""
        codes = self.context["codes"]
        return sorted(codes[branch] for branch in row.branches or () if branch in codes)

    @extend_schema_field({"type": "string", "enum": list(STATES)})
    def get_state(self, row: ApiKey) -> str:
        """Why a key works, or does not."""
        if row.revoked_at is not None:
            return "revoked"
        if row.expires_at is not None and row.expires_at <= self.context["now"]:
            return "expired"
        return "active" if row.service_account.is_active else "inactive"


@extend_schema_serializer(
    examples=[OpenApiExample("A new key", {**_KEY, "key": _SECRET}, response_only=True)]
)
class MadeKeySerializer(ApiKeySerializer):
    """A new key: the only answer that ever holds it."""

    key = serializers.CharField(read_only=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "For the self-checkout of one branch",
            {"name": "Self-checkout", "permissions": ["circulation.lend"], "branches": ["main"]},
            request_only=True,
        )
    ]
)
class NewApiKeySerializer(StrictSerializer):
    """The body that makes a key."""

    name = LineField(max_length=100)
    permissions = serializers.ListField(child=LineField(max_length=60), max_length=100)
    branches = serializers.ListField(
        child=LineField(max_length=40),
        required=False,
        max_length=100,
        help_text=gettext_lazy("Codes of branches; left out or empty: the whole library."),
    )
    expires_at = UtcDateTimeField(required=False, allow_null=True)
    service_account = IdRelatedField(
        queryset=selectors.service_accounts,
        required=False,
        allow_null=True,
        help_text=gettext_lazy("Left out or null: a service account is made with the key."),
    )

    def validate_branches(self, codes: list[str]) -> list[int]:
        """Return the ids of the branches with these codes, in one query. Raises ValidationError for an unknown one."""
        known = dict(branches.all_branches().filter(code__in=codes).values_list("code", "pk"))
        missing = next((code for code in codes if code not in known), None)
        if missing is not None:
            text = _('There is no branch with the code "%(code)s".') % {"code": missing}
            raise serializers.ValidationError([serializers.ErrorDetail(text, code="does_not_exist")])
        return sorted(set(known.values()))


@extend_schema_serializer(examples=[OpenApiExample("Within a day", {"overlap_hours": 24}, request_only=True)])
class RotationSerializer(StrictSerializer):
    """The body that exchanges a key."""

    overlap_hours = serializers.IntegerField(
        default=24,
        min_value=0,
        max_value=MAX_OVERLAP_HOURS,
        help_text=gettext_lazy("For how long the old key still works, at most."),
    )
    expires_at = UtcDateTimeField(
        required=False,
        allow_null=True,
        help_text=gettext_lazy("Left out or null: the new key lives as long as the old one was to live."),
    )


def represent(row: ApiKey, *, now: datetime, key: str | None = None) -> dict[str, Any]:
    """Return the JSON form of one key, with the key itself right after it was made."""
    data = represent_all([row], now=now)[0]
    return dict(data) if key is None else {**data, "key": key}


def represent_all(rows: Iterable[ApiKey], *, now: datetime) -> list[Mapping[str, Any]]:
    """Return the JSON form of keys; one query names their branches, if they have any."""
    found = list(rows)
    ids = {branch for row in found for branch in row.branches or ()}
    codes = dict(branches.all_branches().filter(pk__in=ids).values_list("pk", "code")) if ids else {}
    context = {"codes": codes, "now": now}
    return [ApiKeySerializer(row, context=context).data for row in found]
