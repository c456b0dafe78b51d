"""Roles and assignments in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.serializers import (
    CodeRelatedField,
    IdField,
    IdRelatedField,
    LineField,
    StrictModelSerializer,
    StrictSerializer,
    nearest_name,
)
from shared_apps.accounts import selectors as accounts
from tenant_apps.access import selectors
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.access.rules import PERMISSIONS
from tenant_apps.branches import selectors as branches
from tenant_apps.collections import selectors as collections
from tenant_apps.keys import selectors as keys

CODE = RegexValidator(
    r"^[a-z0-9][a-z0-9_-]*\Z",
    gettext_lazy("Use small letters without accents, digits, hyphens and underscores."),
    "invalid_code",
)
_ROLE = {
    "id": "5",
    "code": "volunteer",
    "name": "Volunteer",
    "permissions": ["catalog.view", "circulation.lend"],
    "standard": False,
    "edited": True,
}
_ASSIGNMENT = {
    "id": "7",
    "user": "12",
    "email": "lea@example.org",
    "service_account": None,
    "role": "librarian",
    "branch": "main",
    "collection": None,
    "created_at": "2026-11-20T09:30:00Z",
}


class PermissionNameField(LineField):
    """The name of a permission that exists; an unknown one is named back with the nearest that does."""

    default_error_messages: ClassVar = {
        "unknown_permission": gettext_lazy('There is no permission "{value}".')
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=60, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the name. Fails with `unknown_permission`."""
        name = super().to_internal_value(data)
        if name in PERMISSIONS:
            return name
        near = nearest_name(name, PERMISSIONS)
        if near is None:
            self.fail("unknown_permission", value=name)
        text = _('There is no permission "%(value)s". Did you mean "%(near)s"?')
        raise serializers.ValidationError(text % {"value": name, "near": near}, "unknown_permission")


@extend_schema_serializer(examples=[OpenApiExample("A role of the library's own", _ROLE, response_only=True)])
class RoleSerializer(StrictModelSerializer[Role]):
    """A role as it is answered; `edited` is false while a standard role follows the release."""

    permissions = serializers.SerializerMethodField()
    standard = serializers.BooleanField(source="is_standard", read_only=True)
    edited = serializers.SerializerMethodField()

    class Meta:
        model = Role
        fields: ClassVar = ["id", "code", "name", "permissions", "standard", "edited"]
        read_only_fields: ClassVar = fields

    def get_permissions(self, row: Role) -> list[str]:
        """What the role allows under this release, by name."""
        return sorted(row.allows)

    def get_edited(self, row: Role) -> bool:
        """Whether the library decides what the role allows."""
        return row.edited or not row.is_standard


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Volunteers lend",
            {"code": "volunteer", "name": "Volunteer", "permissions": _ROLE["permissions"]},
            request_only=True,
        )
    ]
)
class NewRoleSerializer(StrictSerializer):
    """The body that makes a role."""

    code = LineField(max_length=40, validators=[CODE])
    name = LineField(max_length=100)
    permissions = serializers.ListField(child=PermissionNameField(), max_length=100)


@extend_schema_serializer(
    examples=[OpenApiExample("Also returns", {"permissions": ["catalog.view"]}, request_only=True)]
)
class RoleChangesSerializer(StrictSerializer):
    """The body that changes a role; what is left out stays."""

    name = LineField(max_length=100, required=False)
    permissions = serializers.ListField(child=PermissionNameField(), max_length=100, required=False)


@extend_schema_serializer(
    examples=[OpenApiExample("A librarian of one branch", _ASSIGNMENT, response_only=True)]
)
class RoleAssignmentSerializer(StrictModelSerializer[RoleAssignment]):
    """An assignment as it is answered; `branch` and `collection` null is the whole library."""

    user = IdField(source="user_id", read_only=True, allow_null=True)
    email = serializers.EmailField(source="user.email", default=None, allow_null=True, read_only=True)
    service_account = IdField(source="service_account_id", read_only=True, allow_null=True)
    role = serializers.CharField(source="role.code", read_only=True)
    branch = serializers.CharField(source="branch.code", default=None, allow_null=True, read_only=True)
    collection = serializers.CharField(
        source="collection.code", default=None, allow_null=True, read_only=True
    )

    class Meta:
        model = RoleAssignment
        fields: ClassVar = [
            "id",
            "user",
            "email",
            "service_account",
            "role",
            "branch",
            "collection",
            "created_at",
        ]
        read_only_fields: ClassVar = fields


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Librarian of one branch",
            {"user": "12", "role": "librarian", "branch": "main"},
            request_only=True,
        ),
        OpenApiExample(
            "A machine that keeps one collection",
            {"service_account": "3", "role": "librarian", "collection": "local-history"},
            request_only=True,
        ),
    ]
)
class NewRoleAssignmentSerializer(StrictSerializer):
    """The body that gives a role: to one of user and service account, for one scope at most."""

    user = IdRelatedField(queryset=accounts.users, required=False, allow_null=True, default=None)
    service_account = IdRelatedField(
        queryset=keys.service_accounts, required=False, allow_null=True, default=None
    )
    role = CodeRelatedField(queryset=selectors.roles)
    branch = CodeRelatedField(
        queryset=branches.all_branches,
        required=False,
        allow_null=True,
        default=None,
        help_text=gettext_lazy("Left out or null, and no collection either: the whole library."),
    )
    collection = CodeRelatedField(
        queryset=collections.all_collections, required=False, allow_null=True, default=None
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Fail with `one_holder` or `one_scope`."""
        if (attrs["user"] is None) == (attrs["service_account"] is None):
            text = _("Name either a user or a service account.")
            raise serializers.ValidationError({"user": serializers.ErrorDetail(text, "one_holder")})
        if attrs["branch"] is not None and attrs["collection"] is not None:
            text = _("A role is given for a branch or for a collection. For both, give it twice.")
            raise serializers.ValidationError({"collection": serializers.ErrorDetail(text, "one_scope")})
        return attrs


def assignment_parts(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of services.assign_role that a checked body stands for."""
    user, machine = asked["user"], asked["service_account"]
    return {
        "user_id": user.pk if user is not None else None,
        "service_account_id": machine.pk if machine is not None else None,
        **{part: asked[part].code if asked[part] is not None else None for part in ("branch", "collection")},
        "role": asked["role"].code,
    }


def represent_role(role: Role) -> dict[str, Any]:
    """Return the JSON form of one role."""
    return dict(RoleSerializer(role).data)
