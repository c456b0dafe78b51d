"""Shares of titles in JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.serializers import IdField, IdRelatedField, StrictSerializer
from shared_apps.accounts.selectors import users
from tenant_apps.access.selectors import SHARE_PERMISSIONS

_SHARE = {"id": "31", "user": "12", "email": "lea@example.org", "name": "Lea Rossi", "permission": "edit"}


@extend_schema_serializer(examples=[OpenApiExample("A share", _SHARE, response_only=True)])
class ShareSerializer(serializers.Serializer[Any]):
    """A person whom a title is shared with, as it is answered."""

    id = IdField(source="pk")
    user = IdField(source="user_id")
    email = serializers.EmailField(source="user.email")
    name = serializers.CharField(source="user.name")
    permission = serializers.ChoiceField(source="allows", choices=SHARE_PERMISSIONS)


@extend_schema_serializer(
    examples=[OpenApiExample("Let somebody edit", {"user": "12", "permission": "edit"}, request_only=True)]
)
class NewShareSerializer(StrictSerializer):
    """The body that shares a title with a person. To edit is to see as well."""

    user = IdRelatedField(queryset=users)
    permission = serializers.ChoiceField(choices=SHARE_PERMISSIONS)
