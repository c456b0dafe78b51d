"""Roles, assignments and the caller in JSON."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.serializers import (
    CodeRelatedField,
    IdField,
    IdRelatedField,
    StrictModelSerializer,
    StrictSerializer,
)
from shared_apps.accounts import selectors as accounts
from tenant_apps.access import selectors
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.branches import selectors as branches

_ASSIGNMENT = {
    "id": "7",
    "user": "12",
    "email": "lea@example.org",
    "role": "librarian",
    "branch": "main",
    "created_at": "2026-11-20T09:30:00Z",
}
_ME = {
    "id": "12",
    "email": "lea@example.org",
    "name": "Lea Rossi",
    "language": "it",
    "roles": [{"role": "librarian", "branch": "main"}],
    "permissions": [],
    "branch_permissions": {"main": ["catalog.view", "circulation.lend"]},
    "patron": None,
}


class RoleSerializer(StrictModelSerializer[Role]):
    """A role as it is answered."""

    class Meta:
        model = Role
        fields: ClassVar = ["code", "name", "permissions"]
        read_only_fields: ClassVar = fields


@extend_schema_serializer(
    examples=[OpenApiExample("A librarian of one branch", _ASSIGNMENT, response_only=True)]
)
class RoleAssignmentSerializer(StrictModelSerializer[RoleAssignment]):
    """An assignment as it is answered; `branch` null is the whole library."""

    user = IdField(source="user_id", read_only=True)
    email = serializers.EmailField(source="user.email", read_only=True)
    role = serializers.CharField(source="role.code", read_only=True)
    branch = serializers.CharField(source="branch.code", default=None, allow_null=True, read_only=True)

    class Meta:
        model = RoleAssignment
        fields: ClassVar = ["id", "user", "email", "role", "branch", "created_at"]
        read_only_fields: ClassVar = fields


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Librarian of one branch",
            {"user": "12", "role": "librarian", "branch": "main"},
            request_only=True,
        )
    ]
)
class NewRoleAssignmentSerializer(StrictSerializer):
    """The body that gives a role."""

    user = IdRelatedField(queryset=accounts.users)
    role = CodeRelatedField(queryset=selectors.roles)
    branch = CodeRelatedField(
        queryset=branches.all_branches,
        required=False,
        allow_null=True,
        default=None,
        help_text=_("Left out or null: the whole library."),
    )


class HeldRoleSerializer(serializers.Serializer[Any]):
    """A role that the caller holds, and where."""

    role = serializers.CharField()
    branch = serializers.CharField(allow_null=True)


class OwnPatronSerializer(serializers.Serializer[Any]):
    """The caller as a borrower."""

    id = serializers.CharField()
    card_numbers = serializers.ListField(child=serializers.CharField())


@extend_schema_serializer(examples=[OpenApiExample("A librarian of one branch", _ME, response_only=True)])
class MeSerializer(serializers.Serializer[Any]):
    """The answer of `/me/`: documentation of what `selectors` and the extensions put together."""

    id = serializers.CharField()
    email = serializers.EmailField()
    name = serializers.CharField(allow_blank=True)
    language = serializers.CharField(allow_blank=True)
    roles = HeldRoleSerializer(many=True)
    permissions = serializers.ListField(child=serializers.CharField())
    branch_permissions = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text=_("By branch code, what roles at that branch allow there, beside `permissions`."),
    )
    patron = OwnPatronSerializer(allow_null=True)
