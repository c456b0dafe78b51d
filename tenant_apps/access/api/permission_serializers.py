"""The list of permissions, and explanations, in JSON."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.serializers import CodeRelatedField, IdRelatedField, StrictSerializer
from shared_apps.accounts import selectors as accounts
from tenant_apps.access.api.serializers import PermissionNameField
from tenant_apps.access.explanations import Explanation, Held, Question
from tenant_apps.access.rules import PERMISSIONS, scopes_of
from tenant_apps.branches import selectors as branches
from tenant_apps.collections import selectors as collections
from tenant_apps.keys import selectors as keys

_ALTERNATIVES = (("user", "service_account", "one_holder"), ("branch", "collection", "one_scope"))
_LIST = {
    "next": None,
    "previous": None,
    "results": [
        {
            "name": "circulation.lend",
            "description": "Lend, return and renew",
            "scopes": ["library", "branch"],
        }
    ],
}
_WHERE = {"branch": "harbour", "collection": None}
_NOT = {
    "allowed": False,
    "because": [],
    "missing": [
        {
            "code": "held_elsewhere",
            "detail": "Librarian has it, but is held for Harbour alone.",
            "assignment": "7",
            "role": "librarian",
            **_WHERE,
        }
    ],
}


class PermissionSerializer(serializers.Serializer[Any]):
    """A permission: documentation of what `represent_permissions` puts together."""

    name = serializers.CharField()
    description = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=["library", "branch", "collection"]))


@extend_schema_serializer(examples=[OpenApiExample("One of them", _LIST, response_only=True)])
class PermissionListSerializer(serializers.Serializer[Any]):
    """All permissions that exist, on one page."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = PermissionSerializer(many=True)


class QuestionSerializer(StrictSerializer):
    """The query of an explanation: about whom (left out: the caller), what, and where (left out: the whole library)."""

    permission = PermissionNameField()
    user = IdRelatedField(queryset=accounts.users, required=False)
    service_account = IdRelatedField(queryset=keys.service_accounts, required=False)
    branch = CodeRelatedField(queryset=branches.all_branches, required=False)
    collection = CodeRelatedField(queryset=collections.all_collections, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Fail with `one_holder` or `one_scope`."""
        for first, second, code in _ALTERNATIVES:
            if first in attrs and second in attrs:
                text = _("Send %(first)s or %(second)s, not both.") % {"first": first, "second": second}
                raise serializers.ValidationError({second: serializers.ErrorDetail(text, code)})
        return attrs

    def question(self) -> Question:
        """The checked query as the explanation takes it."""
        asked = self.validated_data
        return Question(
            asked["permission"],
            branch_id=asked["branch"].pk if "branch" in asked else None,
            collection_id=asked["collection"].pk if "collection" in asked else None,
        )


class GivenBySerializer(serializers.Serializer[Any]):
    """An assignment that gives the permission; `assignment` is null for Guest, which nobody is given."""

    assignment = serializers.CharField(allow_null=True)
    role = serializers.CharField(allow_null=True)
    branch = serializers.CharField(allow_null=True)
    collection = serializers.CharField(allow_null=True)


class ReasonSerializer(GivenBySerializer):
    """Why not, with the assignment that comes near where there is one."""

    code = serializers.CharField()
    detail = serializers.CharField()


@extend_schema_serializer(examples=[OpenApiExample("Held for another branch", _NOT, response_only=True)])
class PermissionExplanationSerializer(serializers.Serializer[Any]):
    """The answer of `explain`: documentation of `represent_explanation`."""

    allowed = serializers.BooleanField()
    because = GivenBySerializer(many=True)
    missing = ReasonSerializer(many=True)


def represent_permissions() -> list[dict[str, Any]]:
    """Every permission with its description in the caller's language, by name."""
    return [
        {"name": name, "description": str(PERMISSIONS[name]), "scopes": list(scopes_of(name))}
        for name in sorted(PERMISSIONS)
    ]


def represent_explanation(found: Explanation) -> dict[str, Any]:
    """An explanation in JSON."""
    return {
        "allowed": found.allowed,
        "because": [_held(held) for held in found.because],
        "missing": [
            {"code": reason.code, "detail": str(reason.detail), **_held(reason.held)}
            for reason in found.missing
        ],
    }


def _held(held: Held | None) -> dict[str, Any]:
    if held is None:
        return dict.fromkeys(("assignment", "role", "branch", "collection"))
    return {
        "assignment": str(held.assignment) if held.assignment is not None else None,
        "role": held.role,
        "branch": held.branch,
        "collection": held.collection,
    }
