"""Members and invitations in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.serializers import (
    CodeRelatedField,
    IdField,
    LineField,
    StrictSerializer,
    UtcDateTimeField,
)
from saas.core.principals import Principal
from shared_apps.accounts.services import User
from tenant_apps.access import selectors as access
from tenant_apps.branches import selectors as branches
from tenant_apps.collections import selectors as collections
from tenant_apps.members import rules
from tenant_apps.members.models import Invitation
from tenant_apps.members.selectors import MANAGE

MAX_PASSWORD = 256
_HELD = {"assignment": "7", "role": "librarian", "branch": "main", "collection": None}
_MEMBER = {
    "id": "12",
    "email": "lea@example.org",
    "name": "Lea Rossi",
    "state": "active",
    "second_factor": True,
    "last_sign_in": "2026-11-20T09:30:00Z",
    "joined_at": "2026-10-01T08:00:00Z",
    "roles": [_HELD],
}
_INVITATION = {
    "id": "4",
    "email": "lea@example.org",
    "name": "Lea Rossi",
    "role": "librarian",
    "branch": "main",
    "collection": None,
    "state": "open",
    "invited_by": "1",
    "created_at": "2026-11-20T09:30:00Z",
    "sent_at": "2026-11-20T09:30:00Z",
    "expires_at": "2026-11-27T09:30:00Z",
    "accepted_at": None,
    "accepted_by": None,
    "revoked_at": None,
}


class MemberRoleSerializer(serializers.Serializer[Any]):
    """A role that a member holds, and where; branch and collection null: the whole library."""

    assignment = IdField(source="pk", read_only=True)
    role = serializers.CharField(source="role.code", read_only=True)
    branch = serializers.CharField(source="branch.code", default=None, allow_null=True, read_only=True)
    collection = serializers.CharField(
        source="collection.code", default=None, allow_null=True, read_only=True
    )


@extend_schema_serializer(examples=[OpenApiExample("A member", _MEMBER, response_only=True)])
class MemberSerializer(serializers.Serializer[User]):
    """A member as managers see them; needs `selectors.with_details`, and the `principal` in its context."""

    id = IdField(read_only=True)
    email = serializers.EmailField(read_only=True)
    name = serializers.CharField(read_only=True)
    state = serializers.SerializerMethodField()
    second_factor = serializers.BooleanField(source="has_second_factor", read_only=True)
    last_sign_in = UtcDateTimeField(source="last_login", read_only=True, allow_null=True)
    joined_at = UtcDateTimeField(source="date_joined", read_only=True)
    roles = serializers.SerializerMethodField(
        help_text=gettext_lazy("Those that the caller manages: of a manager of one branch, the roles there.")
    )

    @extend_schema_field({"type": "string", "enum": list(rules.MEMBER_STATES)})
    def get_state(self, user: User) -> str:
        """Whether the member can sign in, and why not."""
        if user.is_active:
            return rules.ACTIVE
        return rules.AWAITING_APPROVAL if user.awaiting_approval else rules.DEACTIVATED

    @extend_schema_field(MemberRoleSerializer(many=True))
    def get_roles(self, user: User) -> list[Any]:
        """The member's roles, as far as they are the caller's business."""
        principal: Principal = self.context["principal"]
        held = [
            row
            for row in user.role_assignments.all()
            if principal.may(MANAGE, branch_id=row.branch_id, collection_id=row.collection_id)
        ]
        held.sort(key=lambda row: row.pk)
        return list(MemberRoleSerializer(held, many=True).data)


@extend_schema_serializer(
    examples=[OpenApiExample("Another name", {"name": "Lea Bianchi"}, request_only=True)]
)
class MemberChangesSerializer(StrictSerializer):
    """The body that changes a member; roles are changed by role assignments, the address by its owner."""

    name = LineField(max_length=200, required=False, allow_blank=True)


@extend_schema_serializer(examples=[OpenApiExample("An invitation", _INVITATION, response_only=True)])
class InvitationSerializer(serializers.Serializer[Invitation]):
    """An invitation as managers see it: never its link. Needs `now` in its context."""

    id = IdField(read_only=True)
    email = serializers.EmailField(read_only=True)
    name = serializers.CharField(read_only=True)
    role = serializers.CharField(source="role.code", read_only=True)
    branch = serializers.CharField(source="branch.code", default=None, allow_null=True, read_only=True)
    collection = serializers.CharField(
        source="collection.code", default=None, allow_null=True, read_only=True
    )
    state = serializers.SerializerMethodField()
    invited_by = IdField(source="invited_by_id", read_only=True, allow_null=True)
    created_at = UtcDateTimeField(read_only=True)
    sent_at = UtcDateTimeField(read_only=True)
    expires_at = UtcDateTimeField(read_only=True)
    accepted_at = UtcDateTimeField(read_only=True, allow_null=True)
    accepted_by = IdField(source="accepted_by_id", read_only=True, allow_null=True)
    revoked_at = UtcDateTimeField(read_only=True, allow_null=True)

    @extend_schema_field({"type": "string", "enum": list(rules.STATES)})
    def get_state(self, invitation: Invitation) -> str:
        """How the invitation stands now."""
        return rules.state_of(invitation, now=self.context["now"])


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A librarian for one branch",
            {"email": "lea@example.org", "name": "Lea Rossi", "role": "librarian", "branch": "main"},
            request_only=True,
        )
    ]
)
class NewInvitationSerializer(StrictSerializer):
    """The body that invites somebody; branch and collection left out: for the whole library."""

    email = serializers.EmailField(max_length=254)
    name = LineField(max_length=200, required=False, allow_blank=True)
    role = CodeRelatedField(queryset=access.roles)
    branch = CodeRelatedField(queryset=branches.all_branches, required=False, allow_null=True)
    collection = CodeRelatedField(queryset=collections.all_collections, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values. Raises ValidationError for two scopes at once."""
        if attrs.get("branch") is not None and attrs.get("collection") is not None:
            text = _("Send a branch or a collection, not both.")
            raise serializers.ValidationError(
                {"collection": [serializers.ErrorDetail(text, code="one_scope")]}
            )
        return attrs


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "For somebody new",
            {"token": "q0V3...", "password": "a long pass phrase", "name": "Lea Rossi"},
            request_only=True,
        ),
        OpenApiExample("For somebody with an account, signed in", {"token": "q0V3..."}, request_only=True),
    ]
)
class AcceptanceSerializer(StrictSerializer):
    """The body that accepts an invitation. Whoever has an account here signs in first and sends no password."""

    token = LineField(max_length=rules.MAX_TOKEN_LENGTH)
    password = serializers.CharField(
        required=False, max_length=MAX_PASSWORD, trim_whitespace=False, style={"input_type": "password"}
    )
    name = LineField(max_length=200, required=False, allow_blank=True)


class AcceptedUserSerializer(serializers.Serializer[Any]):
    """Whose the role is now."""

    id = serializers.CharField()
    email = serializers.EmailField()


class AcceptedSerializer(serializers.Serializer[Any]):
    """The answer to an acceptance; signing in comes next."""

    user = AcceptedUserSerializer()
    role = serializers.CharField()
    branch = serializers.CharField(allow_null=True)
    collection = serializers.CharField(allow_null=True)


def represent_invitation(invitation: Invitation, *, now: datetime) -> dict[str, Any]:
    """Return the JSON form of one invitation."""
    return dict(InvitationSerializer(invitation, context={"now": now}).data)
